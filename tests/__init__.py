"""Tests of the dashboard and of the tools they use."""
