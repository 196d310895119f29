"""What a run or a study has to say, as data: blocks, sections, reports. `show` draws them."""
