"""What several tests share: small stages, published snapshots, processes to kill."""
