"""Other kinds of models beside Cox's, all judged on rows that they have not seen."""
