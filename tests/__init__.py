"""Tests of ipcinspect. Test names are claims about the program."""
