#pragma once
#include <lzma.h>
#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace test {

// Writes tar archives block by block, so that a test can lie in any field.
struct TarMember {
  std::string name;
  std::string content = "";
  char type = '0';
  std::optional<std::uint64_t> size = {};  // in the header, where it differs
  std::string link = "";
  bool bad_sum = false;
};

inline std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + 511) / 512 * 512, '\0');
  return bytes;
}

inline std::string octal(std::uint64_t number, std::size_t size) {
  std::string text(size, '0');
  for (std::size_t i = size; i-- > 0; number >>= 3) text[i] = static_cast<char>('0' + (number & 7));
  return text;
}

inline std::string tar_header(const TarMember& member) {
  std::string block(512, '\0');
  const auto put = [&block](std::size_t at, std::string_view text) { block.replace(at, text.size(), text); };
  put(0, std::string_view(member.name).substr(0, 100));
  put(100, "0000644");
  put(124, octal(member.size.value_or(member.content.size()), 11));
  put(136, octal(0, 11));
  put(148, "        ");
  block[156] = member.type;
  put(157, member.link);
  put(257, std::string_view("ustar\0"
                            "00",
                            8));
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(148, octal(member.bad_sum ? sum + 1 : sum, 6) + '\0');
  return block;
}

inline std::string tar_member(const TarMember& member) { return tar_header(member) + padded(member.content); }

inline std::string tar(const std::vector<TarMember>& members, std::size_t zero_blocks = 2) {
  std::string out;
  for (const auto& member : members) out += tar_member(member);
  return out + std::string(zero_blocks * 512, '\0');
}

// An access point's image: a tar in whole records, as GNU tar writes them.
inline std::string ap_image(const std::string& content, std::string_view family = "ap1g8") {
  const std::string info = "image_family: " + std::string(family) + "\ninfo_end:\n";
  auto out = tar({{"info", info}, {"part.bin", content}, {"info.ver", info}});
  out.resize((out.size() + 10239) / 10240 * 10240, '\0');
  return out;
}

// POSIX: "LENGTH KEY=VALUE\n", where the length counts itself.
inline std::string pax_record(const std::string& key, const std::string& value) {
  const std::string rest = " " + key + "=" + value + "\n";
  std::size_t size = rest.size() + 1;
  while (std::to_string(size).size() + rest.size() != size) ++size;
  return std::to_string(size) + rest;
}

inline std::string gzip(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string xz(const std::string& bytes, std::uint32_t preset = 6) {
  std::string out(lzma_stream_buffer_bound(bytes.size()), '\0');
  std::size_t size = 0;
  lzma_easy_buffer_encode(preset, LZMA_CHECK_CRC64, nullptr,
                          reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
                          reinterpret_cast<std::uint8_t*>(out.data()), &size, out.size());
  out.resize(size);
  return out;
}

}  // namespace test
