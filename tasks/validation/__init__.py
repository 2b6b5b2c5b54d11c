"""What tables are held against before they are published: suites run, rules in SQL, rows that fail. For publication."""
