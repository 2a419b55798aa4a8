// A file of any bytes as an Aruba image: only the mark makes it one, and what is read of it stands in it.
#include "storage/images/aruba_header.hpp"

#include <cstdint>
#include <string_view>

#include "storage/images/image_name.hpp"
#include "tests/fuzz/require.hpp"

using fuzz::require;
using storage::aruba_header_size;

namespace {

void check_header(std::span<const std::byte> bytes, const storage::ArubaHeader& header) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  require(text.substr(12, 5) == "ARUBA", "the mark is there");
  require(header.build.size() <= 256 && header.version.size() <= 24, "texts are as long as their fields");
  require(text.substr(20).starts_with(header.build), "the build string is the file's");
  require(text.substr(276).starts_with(header.version), "the version is the file's");
  require(header.build.find('\0') == header.build.npos, "texts end at a zero byte");
  require(!storage::describe(header).empty(), "it can be described");
}

void check_name(std::string_view name, const std::optional<storage::ImageHeader>& header) {
  const auto release = storage::name_image(name, header);
  require(!release.product.empty(), "every image has a product");
  require((release.product == "other") == release.release.empty(), "what is known has a release");
  require(release.release.find_first_not_of("0123456789_abcdefghijklmnopqrstuvwxyz") == std::string::npos,
          "a release's name is a safe one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  std::optional<storage::ArubaHeader> header;
  if (size >= aruba_header_size) header = storage::parse_aruba_header(bytes.first<aruba_header_size>());
  if (header) check_header(bytes, *header);
  std::optional<storage::ImageHeader> known;
  if (header) known = {storage::product_of("ArubaOS_"), header->version};
  const std::string_view rest(reinterpret_cast<const char*>(data), size);
  check_name(rest.substr(std::min(size, aruba_header_size)), known);
  return 0;
}
