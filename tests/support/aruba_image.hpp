#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "storage/files/digest.hpp"

namespace test {

struct ArubaParts {
  std::string version = "8.6.0.4";
  std::string payload = "ELF and so on, 41 bytes, no whole words..";
  std::string signature = "";
  bool md5 = true;
  std::uint32_t format = 2;
};

inline std::string big_endian(std::uint32_t number) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(number >> shift & 0xff);
  return text;
}

// An Aruba image with right sums, field by field as a boot loader reads them.
inline std::string aruba_image(const ArubaParts& parts) {
  const auto size = static_cast<std::uint32_t>(parts.payload.size());
  std::string image(512, '\0');
  const auto put = [&image](std::size_t at, const std::string& text) {
    image.replace(at, text.size(), text);
  };
  put(0, big_endian(size + static_cast<std::uint32_t>(parts.signature.size())));
  put(4, big_endian(parts.format));
  put(12, "ARUBA");
  put(20, "ArubaOS version " + parts.version + " #74969");
  put(276, parts.version);
  image[300] = 1;
  image[303] = 48;
  put(304, big_endian(size));
  if (!parts.signature.empty()) put(308, big_endian(0x01111111));
  image += parts.payload;
  if (parts.md5) {
    storage::Digest md5(storage::DigestKind::md5);
    md5.update(std::as_bytes(std::span(image)));
    const auto hex = md5.hex();
    for (std::size_t i = 0; i < 16; ++i)
      image[312 + i] = static_cast<char>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  }
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < image.size(); ++i)
    sum += static_cast<std::uint32_t>(static_cast<unsigned char>(image[i])) << (24 - 8 * (i % 4));
  put(8, big_endian(0 - sum));
  return image + parts.signature;
}

}  // namespace test
