"""What came out: results, overrides, reports, exports."""
