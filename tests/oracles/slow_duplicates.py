"""Copies, found by comparing every document with every other."""


def copies(documents: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """(copy, kept) for each copy among (doc_id, source, digest), by copy."""
    found = []
    for doc_id, source, digest in documents:
        better = [(s, d) for d, s, other in documents if other == digest and (s, d) < (source, doc_id)]
        if better:
            found.append((doc_id, min(better)[1]))
    return sorted(found)
