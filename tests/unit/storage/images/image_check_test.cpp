#include "storage/images/image_check.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <span>

#include "storage/archives/tar_walk.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/images/aruba_header.hpp"
#include "tests/support/aruba_image.hpp"
#include "tests/support/tar_writer.hpp"
#include "tests/support/temp_dir.hpp"

using storage::ImageCheck;

namespace {

bool has(const std::vector<std::string>& texts, std::string_view part) {
  for (const auto& text : texts)
    if (text.find(part) != std::string::npos) return true;
  return false;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

ImageCheck check(const std::string& bytes, std::string_view name = "ap1g8") {
  const test::TempDir dir;
  return storage::check_image(storage::open_plain_file(dir.write("image", bytes)), name);
}

bool is_clean(const ImageCheck& check) {
  return check.damage.empty() && check.doubts.empty() && check.remarks.empty();
}

}  // namespace

TEST_CASE("a whole image is found whole") { CHECK(is_clean(check(test::ap_image("flash")))); }

TEST_CASE("an image cut anywhere is damaged or at least doubtful, and damaged inside a member") {
  const auto whole = test::ap_image("flash");
  const std::size_t end = whole.find("info_end:", whole.find("info.ver")) + 10, zeros = end / 512 * 512 + 512;
  for (std::size_t size = 512; size < zeros + 1024; ++size) {
    CAPTURE(size);
    const auto walk = storage::walk_tar(size, [&](std::uint64_t offset, std::span<std::byte> into) {
      if (offset > size || into.size() > size - offset) return false;
      std::ranges::copy(std::as_bytes(std::span(whole)).subspan(offset, into.size()), into.begin());
      return true;
    });
    REQUIRE((walk.end == storage::TarWalk::End::cut || walk.end == storage::TarWalk::End::no_end));
  }
  CHECK(has(check(whole.substr(0, 530)).damage, "cut"));
  CHECK(has(check(whole.substr(0, zeros)).doubts, "two blocks of zeros"));
  CHECK(has(check(whole.substr(0, zeros + 512)).doubts, "two blocks of zeros"));
}

TEST_CASE("what is not a tar is doubtful, not damaged") {
  const auto found = check("\x01 just bytes");
  CHECK(found.damage.empty());
  CHECK(has(found.doubts, "not a tar"));
}

TEST_CASE("what is not a header behind good ones is doubtful, and a header with a wrong checksum is damage") {
  auto image = test::ap_image("flash");
  const auto at = image.find("part.bin");
  auto signature = image;
  std::fill_n(signature.begin() + static_cast<std::ptrdiff_t>(at), 512, '\x01');
  CHECK(has(check(signature).doubts, "no tar header at offset 1024"));
  image[at] = 'q';
  CHECK(has(check(image).damage, "offset 1024 has a wrong checksum"));
}

TEST_CASE("a size that is no multiple of 10240 is only odd") {
  const auto found = check(test::ap_image("flash") + std::string(512, '\0'));
  CHECK((found.damage.empty() && found.doubts.empty()));
  CHECK(has(found.remarks, "multiple of 10240"));
}

TEST_CASE("a classic image must have all of its description, and be for its own family") {
  const std::string info = "image_family: ap1g8\ninfo_end:\n";
  CHECK(has(check(test::tar({{"info", info}, {"part.bin", "x"}})).doubts, "info.ver"));
  CHECK(has(check(test::tar({{"info", "image_family: ap1g8\n"}, {"info.ver", info}})).doubts, "not whole"));
  CHECK(has(check(test::ap_image("x", "ap1g7")).doubts, "for ap1g7"));
  CHECK(check(test::ap_image("x", "C1240")).doubts.empty());
}

TEST_CASE("other names are not expected to be anything") {
  CHECK(is_clean(check("text", "readme.txt")));
  CHECK(is_clean(check("\x01 binary", "C9800-AP-iosxe-wlc.bin")));
}

TEST_CASE("an Aruba image is read, and its sums hold") {
  const auto image = test::aruba_image({});
  CHECK(is_clean(check(image, "ArubaInstant_Ursa_8.6.0.4_74969")));
  CHECK(is_clean(check(image, "renamed")));
  const auto header =
      storage::parse_aruba_header(std::as_bytes(std::span(image)).first<storage::aruba_header_size>());
  REQUIRE(header);
  CHECK(header->version == "8.6.0.4");
  CHECK(header->payload == image.size() - 512);
  CHECK(header->has_md5());
  CHECK(storage::describe(*header) == "OS image 8.6.0.4 for GLENMORANGIE, ArubaOS version 8.6.0.4 #74969");
  CHECK(storage::aruba_type(99) == "type 99");
  CHECK(storage::aruba_machine(3) == "machine 3");
}

TEST_CASE("an Aruba image without its MD5 has its checksum") {
  auto image = test::aruba_image({.md5 = false});
  CHECK(is_clean(check(image, "x")));
  image[520] = static_cast<char>(image[520] ^ 1);
  CHECK(has(check(image, "x").damage, "checksum"));
}

TEST_CASE("a signature behind an Aruba image is no damage") {
  CHECK(is_clean(check(test::aruba_image({.signature = "signed"}), "x")));
}

TEST_CASE("a damaged Aruba image is refused, each part for itself") {
  const auto image = test::aruba_image({});
  CHECK(has(check(image.substr(0, image.size() - 1), "x").damage, "cut"));
  CHECK(has(check(image.substr(0, 512), "x").damage, "cut"));
  auto swapped = image;  // two words: the sum stays
  std::swap_ranges(swapped.begin() + 512, swapped.begin() + 516, swapped.begin() + 516);
  CHECK(has(check(swapped, "x").damage, "MD5"));
  CHECK(has(check(test::aruba_image({.format = 3}), "x").doubts, "format 3"));
}

TEST_CASE("an Aruba name without the header is not recognised, not damaged") {
  const auto found = check(std::string(600, '\x01'), "ArubaOS_72xx_8.6.0.4_74969");
  CHECK(found.damage.empty());
  CHECK(has(found.doubts, "header not recognised"));
}
