from tests.golden.scene import Scene

REFUSALS: tuple[Scene, ...] = ()
