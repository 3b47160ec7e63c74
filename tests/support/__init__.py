"""What several tests need: homes, releases, hostile files, commands and browsers."""
