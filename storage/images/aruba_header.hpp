#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace storage {

class File;

// The 512 bytes that an Aruba image begins with, all numbers big-endian. Known from boot loaders; whether
// every controller image has it is not, so an image without the mark is not recognised rather than damaged.

constexpr std::size_t aruba_header_size = 512;

// What the header says. Numbers are converted; texts are raw.
struct ArubaHeader {
  std::uint32_t payload = 0;   // bytes behind the header
  std::uint32_t format = 0;    // 2
  std::uint32_t checksum = 0;  // makes the 32-bit words of header and image sum to 0
  std::string build, version;  // "ArubaOS version 8.6.0.4 for ...", "8.6.0.4"; raw
  std::uint8_t type = 0, machine = 0;
  std::uint32_t image_size = 0;  // as `payload`, but without a signature after it
  bool is_signed = false;
  std::array<std::byte, 16> md5{};  // all zero: none
  bool has_md5() const;
};

// Nothing when the mark "ARUBA" is not there. Pure.
std::optional<ArubaHeader> parse_aruba_header(std::span<const std::byte, aruba_header_size> bytes);
std::string aruba_type(std::uint8_t type);        // "OS"
std::string aruba_machine(std::uint8_t machine);  // "GLENMORANGIE", or "type 48" where we know no name
// The header as `strings` would show it: "OS image 8.6.0.4 for a controller, build ..."; raw.
std::string describe(const ArubaHeader& header);

// The header of the file, if it has one.
std::optional<ArubaHeader> read_aruba_header(const File& file);
// Why a file of `size` bytes is not as long as its header says; empty where it is. Pure.
std::string aruba_length_damage(const ArubaHeader& header, std::uint64_t size);
// What of the file does not fit its header, in a sentence for the administrator; empty when all does. Reads
// the whole file. Throws std::system_error. For a worker.
std::string aruba_damage(const File& file, const ArubaHeader& header);

}  // namespace storage
