"""Word vectors by word2vec and GloVe, what they are asked, and how they are judged; called by tasks."""
