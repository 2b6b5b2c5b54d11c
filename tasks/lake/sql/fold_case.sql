-- A word as `vocabulary.norm` holds it: composed (NFC) and case-folded. lower() leaves two letters that folding
-- changes.
CREATE MACRO fold_case(words) AS replace(replace(lower(nfc_normalize(words)), 'ß', 'ss'), 'ς', 'σ');
COMMENT ON MACRO fold_case IS 'A word in the form of vocabulary.norm';
