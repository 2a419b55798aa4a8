#include "storage/images/image_stream.hpp"

#include <doctest/doctest.h>

#include <span>

#include "storage/files/plain_file.hpp"
#include "tests/support/aruba_image.hpp"
#include "tests/support/tar_writer.hpp"
#include "tests/support/temp_dir.hpp"

using storage::ImageCheck, storage::ImageStream;

namespace {

ImageStream streamed(const std::string& bytes, std::string_view name, std::size_t portion) {
  ImageStream stream(name);
  const auto all = std::as_bytes(std::span(bytes));
  for (std::size_t at = 0; at < all.size(); at += portion)
    stream.update(all.subspan(at, std::min(portion, all.size() - at)));
  return stream;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a stream is judged as the file would be, cut anywhere and in whatever portions it comes") {
  const auto whole = test::ap_image("flash");
  const test::TempDir dir;
  for (std::size_t size = 0; size <= whole.size(); size += size < 4000 ? 37 : 512) {
    CAPTURE(size);
    const auto bytes = whole.substr(0, size);
    const auto expected = storage::check_image(storage::open_plain_file(dir.write("image", bytes)), "ap1g8");
    for (const std::size_t portion : {1428, 512, 100'000}) {
      const auto found = streamed(bytes, "ap1g8", portion).check();
      CHECK(found.damage == expected.damage);
      CHECK(found.doubts == expected.doubts);
      CHECK(found.remarks == expected.remarks);
    }
  }
}

TEST_CASE("a stream byte by byte is the same") {
  const auto whole = test::ap_image("flash");
  const auto stream = streamed(whole, "ap1g8", 1);
  CHECK(stream.check().damage.empty());
  CHECK(stream.check().doubts.empty());
  CHECK(stream.kind() == "AP image (tar)");
  CHECK(stream.size() == whole.size());
}

TEST_CASE("a damaged header in a stream is damage, and other kinds are told apart") {
  auto image = test::ap_image("flash");
  image[image.find("part.bin")] = 'q';
  CHECK(has(streamed(image, "ap1g8", 700).check().damage, "wrong checksum"));
  CHECK(has(streamed("<html>no</html>", "ap1g8", 700).check().damage, "a text"));
  CHECK(has(streamed("", "ap1g8", 700).check().damage, "is empty"));
  CHECK(streamed("anything", "other", 700).kind().empty());
  CHECK(streamed(test::tar({{"x", "y"}}), "x.tar", 700).kind() == "tar");
}

TEST_CASE("an Aruba image in a stream is as long as its header says, or cut") {
  const auto image = test::aruba_image({});
  const auto whole = streamed(image, "ArubaInstant_Ursa_8.6.0.4_74969", 100);
  CHECK(whole.check().damage.empty());
  CHECK(has(whole.kind(), "Aruba image, OS image 8.6.0.4"));
  CHECK(has(streamed(image.substr(0, image.size() - 1), "x", 100).check().damage, "is cut"));
}

TEST_CASE("a description behind a folder is read, too") {
  const std::string info = "image_family: ap1g7\ninfo_end:\n";
  const auto tar = test::tar({{"d/", "", '5'}, {"info", info}, {"info.ver", info}});
  const auto found = streamed(tar, "ap1g8", 300).check();
  REQUIRE(found.doubts.size() == 1);
  CHECK(has(found.doubts[0], "for ap1g7"));
}

TEST_CASE("a tar of very many parts is not kept, and not called damaged") {
  std::string tar;
  for (int i = 0; i < 5000; ++i) tar += test::tar({{"x", ""}}).substr(0, 512);
  const auto found = streamed(tar + std::string(1024, '\0'), "ap1g8", 65536).check();
  CHECK(found.damage.empty());
  REQUIRE(found.doubts.size() == 1);
  CHECK(has(found.doubts[0], "too many parts"));
}
