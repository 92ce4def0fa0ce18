"""Tests of the built page as files; `make build-test` builds it and runs them."""
