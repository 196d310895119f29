"""The glass box: any network or expression opened, so that every number can be seen."""
