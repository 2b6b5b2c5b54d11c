"""Documents: parsing, copies, tests of word vectors. Its chain runs in the stage `documents`."""
