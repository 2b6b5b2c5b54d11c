"""What every published table promises, a module a family of tables; `tables` has them all."""
