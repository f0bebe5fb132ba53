"""Images on disk; no deadlines, because the machine may be busy."""

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")


@pytest.fixture
def save_image():
    def save(path, array, **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(array)).save(path, **options)
        return path

    return save
