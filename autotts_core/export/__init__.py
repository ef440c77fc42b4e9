"""Taking a selected controller out of its run: as one file, or as a plugin to install."""
