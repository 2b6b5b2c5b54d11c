"""The one home of every published table: its columns, types, units, keys, ranges and meaning.

Arrow schemas, Great Expectations suites, DuckDB comments and `docs/tables.md` are made from `TABLES`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pyarrow as pa

from expectations.table_contract import Column, Reference, TableContract

CATEGORIES = (
    "retail_and_recreation",
    "grocery_and_pharmacy",
    "parks",
    "transit_stations",
    "workplaces",
    "residential",
)
"""Google's six kinds of place, in the order of its files."""

INDICES = ("containment_health_index", "stringency_index", "government_response_index", "economic_support_index")
"""The Oxford tracker's four indices, each 0 (nothing done) to 100 (everything done)."""

WORD_TEST_KINDS = ("word_pairs", "analogies")
SOURCE_KINDS = ("text", "html", "warc", "jsonl", "mobility", "policy", "conllu", "labelled", *WORD_TEST_KINDS)
UTC_TIME = pa.timestamp("us", tz="UTC")
SHA256 = "[0-9a-f]{64}"
LANG = "[a-z]{2,3}"  # ISO 639-1, or `und` where nobody can tell


def _text(name: str, meaning: str, unit: str = "", pattern: str = "", *, is_nullable: bool = False) -> Column:
    return Column(name, pa.string(), meaning, unit, is_nullable, pattern=pattern)


def _count(name: str, meaning: str, unit: str, minimum: int = 0, *, is_nullable: bool = False) -> Column:
    return Column(name, pa.int64(), meaning, unit, is_nullable, minimum=minimum)


def _share(name: str, meaning: str, *, is_nullable: bool = False) -> Column:
    return Column(name, pa.float64(), meaning, "share, 0 to 1", is_nullable, minimum=0.0, maximum=1.0)


def _number(name: str, meaning: str, unit: str, *, is_nullable: bool = True) -> Column:
    return Column(name, pa.float64(), meaning, unit, is_nullable)


def _date(name: str, meaning: str) -> Column:
    return Column(name, pa.date32(), meaning, "date")


def _time(name: str, meaning: str, *, is_nullable: bool = False) -> Column:
    return Column(name, UTC_TIME, meaning, "UTC", is_nullable)


def _nullable(column: Column) -> Column:
    return replace(column, is_nullable=True)


DOC_ID = _text("doc_id", "Document: first 16 hex digits of SHA-256 over source and uri", pattern="[0-9a-f]{16}")
LANGUAGE = _text("lang", "Language, ISO 639-1; und where it cannot be told", pattern=LANG)
SOURCE = _text("source", "Name of the declared source")
VINTAGE = _text("vintage", "Fetch that the row comes from: first 12 hex digits of the raw bytes' SHA-256", pattern="[0-9a-f]{12}")
NORM = _text("norm", "Normalised form: NFC, case-folded")
STEM = _text("stem", "Snowball stem of the normalised form; the form itself where the language has no stemmer")
LEMMA = _text(
    "lemma", "Dictionary form: of form and part of speech in a treebank, else by simplemma; the form itself where neither knows one"
)
IS_STOP = Column("is_stop", pa.bool_(), "Whether the form is on the language's stop list")
N_OCCURRENCES = _count("n_occurrences", "Occurrences", "tokens", minimum=1)
N_DOCUMENTS = _count("n_documents", "Documents that hold it", "documents", minimum=1)
TERM = _text("term", "Indexed term: a stem")
MODEL_ID = _text("model_id", "Model: kind, language, and digest of data, settings, seed and weights", pattern="[a-z0-9_-]+")
REGION_ID = _text("region_id", "Region: ISO 3166-1 country code, then names of its parts, joined with /")
COUNTRY_CODE = _text("country_code", "ISO 3166-1 alpha-2 (NA is Namibia)", pattern="[A-Z]{2}")
# The first day of Google's reports is 2020-02-15, of the Oxford tracker 2020-01-01; a day after today is set aside at parsing.
OBSERVED_ON = replace(_date("observed_on", "Day of the observation"), minimum=date(2020, 1, 1))
CATEGORY = Column("category", pa.string(), "Kind of place", one_of=CATEGORIES)
# A fall below -100 % of the visits is impossible; parks rose to above +1,500 % in real files, 10,000 is our bound for a slip.
CHANGE_PCT = Column(
    "change_pct", pa.float64(), "Change of visits (residential: of time spent); NULL = not published", "percent of the baseline",
    is_nullable=True, minimum=-100.0, maximum=10_000.0,
)  # fmt: skip
INDEX_COLUMNS = tuple(
    Column(name, pa.float64(), f"Oxford tracker's {name.replace('_', ' ')}; NULL = not published", "0 to 100",
           is_nullable=True, minimum=0.0, maximum=100.0)
    for name in INDICES
)  # fmt: skip
SNAPSHOT_ID = _text("snapshot_id", "Published state, counted from 000001", pattern="[0-9]{6,}")
CODE_VERSION = _text("code_version", "Digest of the code that decided", pattern="[0-9a-f]{12}")
RUN_ID = _text("run_id", "Run of a flow")
OF_DOCUMENT = Reference("doc_id", "documents", "doc_id")
OF_MODEL = Reference("model_id", "models", "model_id")
OF_REGION = Reference("region_id", "mobility", "region_id")

DOCUMENTS = TableContract("documents", "a document as last published", ("doc_id",), (
    DOC_ID, SOURCE,
    _text("uri", "Where it came from: path relative to the source file or URL, then # and the place inside"),
    Column("kind", pa.string(), "Kind of source", one_of=SOURCE_KINDS),
    LANGUAGE, _share("lang_confidence", "Confidence of the language; 1 where the source declares it"),
    _text("title", "Title; NULL = none found", is_nullable=True),
    _text("text", "Main text, NFC, line ends \\n"),
    _count("n_chars", "Length of the text", "Unicode code points", minimum=1),
    _count("n_words", "Word tokens of the text", "tokens"),
    _text("content_sha256", "SHA-256 of the text in UTF-8", pattern=SHA256),
    _text("extractor", "What made the text out of the raw bytes"),
    _share("extraction_confidence", "How sure the extractor is; NULL = it does not say", is_nullable=True),
    _nullable(_date("published_on", "Date of publication as the document gives it; NULL = none given")),
    _time("fetched_at", "When these raw bytes were first fetched"),
))  # fmt: skip

TOKENS = TableContract("tokens", "a token of a document", ("doc_id", "position"), (
    DOC_ID, Column("position", pa.int32(), "Place in the document, from 0", "tokens", minimum=0),
    Column("sentence", pa.int32(), "Sentence in the document, from 0", "sentences", minimum=0),
    _text("token", "Surface form"), NORM, STEM, LEMMA,
    _text("pos", "Universal part of speech; NULL = not tagged", is_nullable=True, pattern="[A-Z]+"), IS_STOP,
), references=(OF_DOCUMENT,))  # fmt: skip

VOCABULARY = TableContract("vocabulary", "a distinct normalised form in a language", ("lang", "norm"),
                           (LANGUAGE, NORM, STEM, LEMMA, IS_STOP, N_OCCURRENCES, N_DOCUMENTS))  # fmt: skip

TERMS = TableContract("terms", "an indexed term (stem) in a language", ("lang", "term"), (
    LANGUAGE, TERM, N_OCCURRENCES, N_DOCUMENTS,
    Column("idf", pa.float64(), "Inverse document frequency, ln((1 + N) / (1 + n_documents)) + 1, N = documents in the language",
           "nats", minimum=1.0),
))  # fmt: skip

TFIDF = TableContract("tfidf", "a term in a document", ("doc_id", "term"), (
    DOC_ID, TERM, N_OCCURRENCES, _share("weight", "n_occurrences times idf, L2-normalised per document"),
), references=(OF_DOCUMENT,))  # fmt: skip

DUPLICATES = TableContract("duplicates", "a document set aside as a copy", ("doc_id",), (
    DOC_ID, replace(DOC_ID, name="kept_doc_id", meaning="Document of which it is a copy"),
    _share("similarity", "Exact Jaccard similarity of the two"),
    Column("method", pa.string(), "How it was found", one_of=("exact", "near")),
), references=(replace(OF_DOCUMENT, column="kept_doc_id"),))  # fmt: skip

LABELS = TableContract("labels", "a label given with a document", ("doc_id",), (DOC_ID, _text("label", "Label as the source gives it")))

TREEBANK = TableContract("treebank", "a token tagged by hand", ("doc_id", "position"), (
    DOC_ID, Column("position", pa.int32(), "Place among the document's tagged tokens, from 0", "tokens", minimum=0),
    Column("sentence", pa.int32(), "Sentence in the document, from 0", "sentences", minimum=0),
    _text("token", "Surface form"), _text("lemma", "Dictionary form as tagged; NULL = not given", is_nullable=True),
    _text("upos", "Universal part of speech", pattern="[A-Z]+"),
    _text("xpos", "Part of speech in the treebank's own set; NULL = not given", is_nullable=True),
))  # fmt: skip

WORD_TESTS = TableContract("word_tests", "a question of a test of word vectors", ("source", "uri", "line"), (
    SOURCE, _text("uri", "File of the set: path relative to the source file or URL, then # and the member of an archive"),
    Column("line", pa.int32(), "Line of that file, from 1", "lines", minimum=1), LANGUAGE,
    Column("kind", pa.string(), "word_pairs: how alike are two words; analogies: a is to b as c to which", one_of=WORD_TEST_KINDS),
    _text("section", "Part of the set, by its own name; NULL = not in parts", is_nullable=True),
    Column("words", pa.list_(pa.string()), "Two words, or four of which the last is to be found, as the set writes them"),
    _number("rating", "How alike or related people find the two; NULL = an analogy", "the set's own scale, rising"), VINTAGE,
))  # fmt: skip

WORD_VECTORS = TableContract("word_vectors", "a word's embedding", ("model_id", "lang", "term"), (
    MODEL_ID, LANGUAGE, replace(TERM, meaning="Word as the model knows it"), N_OCCURRENCES,
    Column("vector", pa.list_(pa.float32()), "Embedding, as many numbers as the model has dimensions"),
), references=(OF_MODEL,))  # fmt: skip

MOBILITY = TableContract("mobility", "a category of a region on a day", ("region_id", "observed_on", "category"), (
    REGION_ID, OBSERVED_ON, CATEGORY, COUNTRY_CODE, _text("country", "Country, English name as Google gives it"),
    _text("subregion_1", "First-level part of the country; NULL = whole country", is_nullable=True),
    _text("subregion_2", "Second-level part; NULL = whole first level", is_nullable=True),
    _text("metro_area", "Metropolitan area; NULL = not one", is_nullable=True),
    _text("iso_3166_2_code", "ISO 3166-2 code; NULL = not given", is_nullable=True),
    _text("census_fips_code", "US county, FIPS, five digits as text; NULL = not given", is_nullable=True),
    _text("place_id", "Google's place id; NULL = not given", is_nullable=True),
    CHANGE_PCT,
    replace(CHANGE_PCT, name="change_pct_centred_13d",
            meaning="Mean of the published days within 6 calendar days before and after; NULL = this day not published"),
    replace(CHANGE_PCT, name="change_pct_trailing_7d",
            meaning="Mean of the published days among this and the 6 days before; NULL = this day not published"),
    VINTAGE,
))  # fmt: skip

POLICY = TableContract("policy", "a jurisdiction on a day", ("region_id", "observed_on"),
                       (REGION_ID, OBSERVED_ON, COUNTRY_CODE, *INDEX_COLUMNS, VINTAGE))  # fmt: skip

MOBILITY_POLICY = TableContract("mobility_policy", "a country on a day, mobility and policy joined", ("country_code", "observed_on"), (
    COUNTRY_CODE, OBSERVED_ON,
    *(replace(CHANGE_PCT, name=category, meaning=f"National change_pct of {category}; NULL = not published") for category in CATEGORIES),
    *INDEX_COLUMNS,
))  # fmt: skip

REGIMES = TableContract("regimes", "a region's hidden state on a day", ("model_id", "region_id", "observed_on"), (
    MODEL_ID, REGION_ID, OBSERVED_ON,
    Column("state", pa.int32(), "State, from 0 (nearest to the baseline) on", "states", minimum=0),
    _text("label", "Name of the state by its mean level, from baseline to lockdown"),
    _share("probability", "Posterior probability of that state on that day"),
), references=(OF_MODEL, OF_REGION))  # fmt: skip

FORECASTS = TableContract("forecasts", "a forecast value", ("model_id", "region_id", "category", "origin_on", "target_on"), (
    MODEL_ID, REGION_ID, CATEGORY,
    _date("origin_on", "Last day that the forecast knew"), _date("target_on", "Day that is forecast"),
    Column("horizon_days", pa.int32(), "target_on less origin_on", "days", minimum=1),
    *(replace(CHANGE_PCT, name=f"change_pct_{kind}", meaning=f"Forecast {meaning}", is_nullable=False)
      for kind, meaning in (("mean", "mean"), ("p10", "10 % quantile"), ("p50", "median"), ("p90", "90 % quantile"))),
), references=(OF_MODEL, OF_REGION))  # fmt: skip

PREDICTIONS = TableContract("predictions", "a label predicted for a document that its model has not learned from", ("model_id", "doc_id"), (
    MODEL_ID, replace(DOC_ID, meaning="Document: held out from its labelled source, or without a label and of the language of that source"), _text("label", "Predicted label"),
    _share("probability", "Probability of that label, as the model says"),
), references=(OF_MODEL, OF_DOCUMENT))  # fmt: skip

MODELS = TableContract("models", "a trained model", ("model_id",), (
    MODEL_ID, _text("kind", "Kind of model"), replace(LANGUAGE, is_nullable=True, meaning="Language, ISO 639-1; NULL = not of a language"),
    _time("trained_at", "When training ended"), Column("seed", pa.int64(), "Seed of the random numbers"),
    _text("settings", "Settings, JSON"), replace(SNAPSHOT_ID, meaning="Published state that it was trained on"),
    _text("data_sha256", "SHA-256 over the digests of the files that it read", pattern=SHA256),
    _text("path", "Folder of weights and card, relative to the home"),
    Column("is_champion", pa.bool_(), "Whether it is the one in use for what it is for: its kind, language and data"),
))  # fmt: skip

SCORES = TableContract("scores", "a score of a model", ("model_id", "metric", "split"), (
    MODEL_ID, _text("metric", "Metric, with its unit or horizon in the name"), _text("split", "Part of the data it was measured on"),
    _number("value", "The model's score", "as the metric says", is_nullable=False),
    _text("baseline", "What it is compared with; NULL = nothing", is_nullable=True),
    _number("baseline_value", "The baseline's score; NULL = no baseline", "as the metric says"),
), references=(OF_MODEL,))  # fmt: skip

RUNS = TableContract("runs", "a run", ("run_id",), (
    RUN_ID, _text("flow", "Flow that ran"), _time("started_at", "When it started"), _time("finished_at", "When it ended"),
    Column("status", pa.string(), "How it ended", one_of=("completed", "unchanged", "failed", "refused")),
    replace(SNAPSHOT_ID, meaning="Snapshot in force at its end; NULL = none yet", is_nullable=True),
    _count("n_steps_run", "Steps done", "steps"), _count("n_steps_skipped", "Steps skipped, unchanged", "steps"),
    _text("message", "What an operator should know, one sentence; NULL = nothing", is_nullable=True),
), schema="ops")  # fmt: skip

LEDGER = TableContract("ledger", "a decision on a document or a batch at a stage", ("subject", "stage", "outcome", "rule"), (
    _text("subject", "doc_id of a document, or name of a batch"),
    Column("subject_kind", pa.string(), "What the subject is", one_of=("document", "batch")),
    _text("stage", "Step that decided"),
    Column("outcome", pa.string(), "Decision", one_of=("kept", "changed", "set_aside", "skipped")),
    _text("rule", "Rule that decided: what is true of the subject"),
    _number("score", "Measured value; NULL = the rule has none", "as the rule says"),
    _number("threshold", "Value that it was held against; NULL = none", "as the rule says"),
    _count("n_rows_in", "Rows in; NULL = a document", "rows", is_nullable=True),
    _count("n_rows_out", "Rows out; NULL = a document", "rows", is_nullable=True),
    _count("n_bytes_before", "Bytes before", "bytes", is_nullable=True),
    _count("n_bytes_after", "Bytes after", "bytes", is_nullable=True), CODE_VERSION,
), schema="ops")  # fmt: skip

QUARANTINE = TableContract("quarantine", "a row set aside", ("quarantine_id",), (
    _text("quarantine_id", "First 16 hex digits of SHA-256 over table, rule, uri and row", pattern="[0-9a-f]{16}"),
    _text("table_name", "Table for which it was meant"), _text("rule", "Rule that it breaks: what is true of the row"),
    _text("message", "What is wrong and how to mend it, one sentence"),
    _text("raw_row", "The row as it came, JSON"), SOURCE, _text("uri", "File, then # and line or member; as in documents.uri"),
    _nullable(VINTAGE),
), schema="ops")  # fmt: skip

VALIDATIONS = TableContract("validations", "an outcome of an expectation", (
    "run_id", "table_name", "expectation", "column_name", "validated_at",  # a run may publish twice
), (
    RUN_ID, _text("table_name", "Table, with its schema unless main"), _text("expectation", "Great Expectations' name of the rule"),
    _text("column_name", "Column, or columns joined with a comma; empty = the table"),
    Column("severity", pa.string(), "critical stops the publish, warning sets rows aside, info is told", one_of=("critical", "warning", "info")),
    Column("is_success", pa.bool_(), "Whether the expectation held"),
    _count("n_rows", "Rows looked at", "rows"), _count("n_unexpected", "Rows that break it", "rows", is_nullable=True),
    _text("observed", "What was observed, JSON; NULL = nothing to tell", is_nullable=True),
    _time("validated_at", "When"),
), schema="ops")  # fmt: skip

SNAPSHOTS = TableContract("snapshots", "a published state", ("snapshot_id",), (
    SNAPSHOT_ID, replace(SNAPSHOT_ID, name="parent_id", meaning="Snapshot before it; NULL = the first", is_nullable=True),
    _time("published_at", "When"), RUN_ID, _count("n_files", "Files of all tables", "files"),
    _count("n_rows", "Rows of all tables", "rows"), _count("n_bytes", "Bytes of all files", "bytes"),
    _text("manifest_sha256", "SHA-256 of the manifest", pattern=SHA256),
), schema="ops")  # fmt: skip

VINTAGES = TableContract("vintages", "raw bytes as once fetched", ("source", "uri", "vintage"), (
    SOURCE, _text("uri", "Path relative to the source file, or URL"), VINTAGE,
    _text("raw_sha256", "SHA-256 of the raw bytes, under which they are kept", pattern=SHA256),
    _count("n_bytes", "Size", "bytes"), _time("fetched_at", "When these bytes were first fetched"),
), schema="ops")  # fmt: skip

TABLES: dict[str, TableContract] = {
    contract.qualified_name: contract
    for contract in (
        DOCUMENTS, TOKENS, VOCABULARY, TERMS, TFIDF, DUPLICATES, LABELS, TREEBANK, WORD_TESTS, WORD_VECTORS, MOBILITY, POLICY, MOBILITY_POLICY,
        REGIMES, FORECASTS, PREDICTIONS, MODELS, SCORES, RUNS, LEDGER, QUARANTINE, VALIDATIONS, SNAPSHOTS, VINTAGES,
    )
}  # fmt: skip
"""Every published table by its qualified name (`documents`, `ops.runs`), in the order in which docs and reports show them."""

EVENT_TABLES = ("ops.runs", "ops.validations", "ops.snapshots")
"""Logs of events, one file an event, read live; every other table belongs to a snapshot."""
