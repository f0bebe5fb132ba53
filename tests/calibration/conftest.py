"""Images on disk."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def save_image():
    def save(path, array, **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(array)).save(path, **options)
        return path

    return save
