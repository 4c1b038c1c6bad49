"""Papers: results of several studies, brought together in one document."""
