"""From a path or a name to batches of tensors: readers, examples, splits, batches, augmentation."""
