"""Folders of real image files."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from litesmith.calibration.geometry import upright
from litesmith.calibration.images import decode, read_folder
from litesmith.calibration.preprocess import Preprocess
from litesmith.errors import CalibrationError, DataError

GRAY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
RGB = np.arange(36, dtype=np.uint8).reshape(3, 4, 3) * 7


def test_classes_are_subfolders_in_alphabetical_order(tmp_path, save_image):
    save_image(tmp_path / "dog" / "2.png", RGB)
    save_image(tmp_path / "cat" / "b.bmp", RGB + 1)
    save_image(tmp_path / "cat" / "a.PNG", RGB + 2, format="PNG")
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    (tmp_path / ".cache").mkdir()
    folder = read_folder(tmp_path)
    assert folder.class_names == ("cat", "dog")
    assert folder.labels.tolist() == [0, 0, 1]
    assert folder.images.dtype == np.uint8
    assert np.array_equal(folder.images, np.stack([RGB + 2, RGB + 1, RGB]))


def test_flat_folder_has_no_labels(tmp_path, save_image):
    save_image(tmp_path / "b.png", GRAY)
    save_image(tmp_path / "a.png", GRAY + 1)
    folder = read_folder(tmp_path)
    assert folder.labels is None
    assert folder.class_names is None
    assert np.array_equal(folder.images[..., 0], np.stack([GRAY + 1, GRAY]))


def test_jpeg_is_decoded(tmp_path, save_image):
    save_image(tmp_path / "a.jpg", np.full((16, 16, 3), (200, 100, 50), np.uint8), quality=95)
    image = read_folder(tmp_path).images[0]
    assert np.abs(image.astype(int) - [200, 100, 50]).max() <= 4


def test_different_sizes_are_resized_by_the_contract(tmp_path, save_image):
    save_image(tmp_path / "a.png", RGB)
    save_image(tmp_path / "b.png", np.full((9, 5), 77, np.uint8))
    preprocess = Preprocess((6, 6, 3), "image", "bilinear")
    images = read_folder(tmp_path, preprocess=preprocess).images
    assert np.array_equal(images[0], preprocess.pixels(RGB))
    assert np.array_equal(images[1], np.full((6, 6, 3), 77))


def test_an_image_that_does_not_fit_names_its_file(tmp_path, save_image):
    save_image(tmp_path / "wide.png", np.zeros((2, 3), np.uint8))
    with pytest.raises(DataError, match=r"wide\.png: preprocess: an image of 2x3 does not fit 2x2"):
        read_folder(tmp_path, preprocess=Preprocess((2, 2, 1)))


def test_different_sizes_without_a_shape_are_refused(tmp_path, save_image):
    save_image(tmp_path / "a.png", GRAY)
    save_image(tmp_path / "b.png", GRAY[:2])
    with pytest.raises(DataError, match=r"b\.png.*\(2, 4\).*a\.png has \(3, 4\).*give an image shape"):
        read_folder(tmp_path)


def test_palette_and_alpha_become_rgb(tmp_path):
    palette = Image.fromarray(RGB).convert("P")
    palette.info["transparency"] = bytes(256)
    palette.save(tmp_path / "p.png", transparency=bytes(256))
    Image.fromarray(np.dstack([RGB, np.zeros((3, 4), np.uint8)]), "RGBA").save(tmp_path / "q.png")
    assert decode(tmp_path / "p.png").shape == (3, 4, 3)
    assert np.array_equal(decode(tmp_path / "q.png"), RGB)


@pytest.mark.parametrize(
    ("orientation", "mirrored", "rotate"),
    [(1, False, 0), (2, True, 0), (3, False, 180), (4, True, 180), (5, True, 270), (6, False, 90), (7, True, 90),
     (8, False, 270)],
)  # fmt: skip
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_exif_is_a_mirror_and_then_a_rotation_of_the_contract(tmp_path, suffix, orientation, mirrored, rotate):
    exif = Image.Exif()
    exif[0x0112] = orientation
    blocks = np.kron(np.array([[16, 96, 176], [56, 136, 216]], np.uint8), np.ones((16, 16), np.uint8))
    Image.fromarray(blocks).save(tmp_path / f"a.{suffix}", exif=exif, quality=100)
    stored = blocks[:, ::-1] if mirrored else blocks
    assert np.array_equal(decode(tmp_path / f"a.{suffix}"), upright(stored[..., None], rotate)[..., 0])


def test_sixteen_bit_images_are_refused(tmp_path, save_image):
    file = save_image(tmp_path / "deep.png", np.zeros((4, 4), np.uint16))
    with pytest.raises(DataError, match=r"deep\.png.*8 bits"):
        decode(file)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("size", [(10_000, 9_000), (10_000, 10_000), (20_000, 10_000)])
def test_an_image_that_unpacks_to_too_much_is_refused(tmp_path, size):
    Image.new("1", size).save(tmp_path / "vast.png")
    with pytest.raises(DataError, match=r"vast\.png: cannot be decoded .*pixels"):
        decode(tmp_path / "vast.png")


@pytest.mark.parametrize("fit", ["stretch", "center_crop", "letterbox"])
@pytest.mark.parametrize("resize", ["nearest", "bilinear", "area"])
def test_an_image_of_one_pixel_fills_the_canvas_with_it(tmp_path, save_image, resize, fit):
    save_image(tmp_path / "dot.png", np.array([[[10, 20, 30]]], np.uint8))
    (found,) = read_folder(tmp_path, preprocess=Preprocess((4, 4, 3), "image", resize, crop=0.5, fit=fit)).images
    assert np.array_equal(found, np.full((4, 4, 3), [10, 20, 30], np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_a_truncated_image_names_its_file(tmp_path, kind):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)).save(buffer, kind)
    file = tmp_path / f"cut.{kind.lower()}"
    file.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    with pytest.raises(DataError, match=r"cut\.\w+: cannot be decoded"):
        decode(file)


@given(st.sampled_from(["PNG", "JPEG", "BMP"]), st.data())
def test_damaged_images_decode_or_give_one_error(tmp_path_factory, kind, data):
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, kind)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.getbasetemp() / f"damaged.{kind.lower()}"
    file.write_bytes(content)
    try:
        image = decode(file)
    except DataError as error:
        assert "damaged." in str(error)
    else:
        assert image.dtype == np.uint8


@pytest.mark.parametrize(
    ("folders", "message"), [((), "holds no images"), (("cat", "dog"), "cat: this class holds no")]
)
def test_empty_folders(tmp_path, folders, message):
    for name in folders:
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=message):
        read_folder(tmp_path)


def test_images_beside_classes_are_refused(tmp_path, save_image):
    save_image(tmp_path / "cat" / "a.png", GRAY)
    save_image(tmp_path / "stray.png", GRAY)
    with pytest.raises(DataError, match=r"stray\.png.*beside class folders"):
        read_folder(tmp_path)


def test_only_drawn_images_are_decoded(tmp_path, save_image):
    for name, count in (("cat", 3), ("dog", 20)):
        for place in range(count):
            save_image(tmp_path / name / f"{place:02}.png", np.full((2, 2), place + 100 * (name == "dog"), np.uint8))
    whole = read_folder(tmp_path)
    drawn = read_folder(tmp_path, limit=8, seed=4)
    assert drawn.labels.tolist() == [0] * 3 + [1] * 5 and drawn.class_names == ("cat", "dog")
    values = set(drawn.images[:, 0, 0, 0].tolist())
    for place in range(20):
        if place + 100 not in values:
            (tmp_path / "dog" / f"{place:02}.png").write_bytes(b"no image")
    assert np.array_equal(read_folder(tmp_path, limit=8, seed=4).images, drawn.images)
    assert set(whole.images[:, 0, 0, 0].tolist()) > values
    with pytest.raises(DataError, match="cannot be decoded"):
        read_folder(tmp_path)


def test_flat_folders_are_drawn_from_too(tmp_path, save_image):
    for place in range(9):
        save_image(tmp_path / f"{place}.png", np.full((2, 2), place, np.uint8))
    drawn = read_folder(tmp_path, limit=4, seed=2)
    assert drawn.labels is None
    assert drawn.images[:, 0, 0, 0].tolist() == sorted(np.random.default_rng(2).permutation(9)[:4])
    assert len(read_folder(tmp_path, limit=10).images) == 9
    with pytest.raises(CalibrationError, match="cannot take 0 of 9"):
        read_folder(tmp_path, limit=0)
