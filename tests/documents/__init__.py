"""Tables in the documents that are made from the program, and the tests that keep them true."""
