#pragma once
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

// TFTP's packets, as RFC 1350 and RFC 2347 draw them: numbers are 16 bits, big-endian; texts end with a NUL.
//
//   RRQ/WRQ | opcode 1, 2 | filename 0 | mode 0 | option 0 | value 0 | ...
//   DATA    | opcode 3    | block      | 0 to blksize bytes
//   ACK     | opcode 4    | block
//   ERROR   | opcode 5    | code       | text 0
//   OACK    | opcode 6    | option 0 | value 0 | ...
namespace tftp {

using Bytes = std::span<const std::byte>;

// The first two bytes of each packet.
enum class Opcode : std::uint16_t { rrq = 1, wrq, data, ack, error, oack };

// The codes of ERROR (RFC 1350 5, RFC 2347).
enum class ErrorCode : std::uint16_t {
  undefined,
  file_not_found,
  access_denied,
  disk_full,
  illegal_operation,
  unknown_transfer_id,
  file_exists,
  no_such_user,
  option_refused,
};
std::string_view text_of(ErrorCode code);  // "File not found": the words of tftpd-hpa
ErrorCode code_of(std::error_code error);  // of what the file system said

// How a file is sent. "mail" is obsolete and refused.
enum class Mode { octet, netascii, mail };

// One option of a request or an OACK.
struct Option {
  std::string name, value;  // as the client spelled them: some clients want their own spelling back
};

// A decoded RRQ or WRQ. Its texts are hostile.
struct Request {
  bool write = false;
  std::string filename;
  Mode mode = Mode::octet;
  std::vector<Option> options;
  std::size_t size = 0;  // of the packet
};

// No device has a reason to send more (RFC 2347 draws the line at 512 bytes), and what a request may hold is
// bounded before anything of it is kept.
constexpr std::size_t largest_request = 2048, longest_name = 1024, most_options = 16;

// Why a packet is not a request.
enum class Malformed {
  not_a_request,  // some other opcode, or less than one: answered with silence, for it may be forged
  unterminated,   // filename or mode without its NUL
  unknown_mode,
  too_large,  // above one of the three bounds
};

// Whether it is one, by its opcode.
bool is_request(Bytes packet);
// Garbage behind the mode (Apple's Open Firmware sends it) and an option without a name or a value are passed
// over.
std::expected<Request, Malformed> parse_request(Bytes packet);

// What the administrator allows; a client that asks for more gets this much.
struct Limits {
  std::uint16_t block_size = 65464;
  std::uint16_t window = 64;
  std::size_t window_bytes = std::numeric_limits<std::size_t>::max();  // of all blocks of a window
};

// What both sides have agreed on.
struct Negotiated {
  std::uint16_t block_size = 512;
  std::uint16_t window = 1;
  std::optional<std::chrono::microseconds> timeout;  // only when the client asked
  std::uint16_t rollover = 0;                        // the block number behind 65535
  std::optional<std::uint64_t> announced_size;       // of the file that a client sends
  std::vector<Option> accepted;                      // what the OACK says; empty: there is no OACK
  std::size_t request_size = 0;                      // bytes
};

// RFC 2347: an option that is unknown, out of range or garbage is left out, never an error. Of options that
// say the same thing (blksize and blksize2, timeout and utimeout, one given twice) the first counts.
// `file_size` is of the file to be read.
Negotiated negotiate(const Request& request, std::uint64_t file_size, const Limits& limits);

// A client's side: the request as it goes out, and what an OACK says. An OACK is hostile: nothing for one
// whose texts do not end, or with more than `most_options`.
std::vector<std::byte> encode_request(const Request& request);
std::optional<std::vector<Option>> parse_oack(Bytes packet);
// Whether two names of options are the same: case means nothing.
bool is_same_option(std::string_view a, std::string_view b);
// A number has only digits: "+5", " 5", "12x", "" and what does not fit is not a number.
std::optional<std::uint64_t> option_number(std::string_view text);

std::vector<std::byte> encode_oack(const Negotiated& negotiated);
std::array<std::byte, 4> encode_ack(std::uint16_t number);
constexpr std::size_t longest_error_text = 199;  // bytes; what is longer is cut
// The same to an address that may be forged: on the wire three bytes for each one that came, headers of IPv4
// and UDP counted.
constexpr std::size_t longest_error_text_for(std::size_t request_size) {
  constexpr std::size_t headers = 20 + 8, head_and_end = 5;
  return std::min(longest_error_text, 3 * (request_size + headers) - headers - head_and_end);
}
// `text` is cut to a length that every boot loader's buffer holds, and to printable ASCII.
std::vector<std::byte> encode_error(ErrorCode code, std::string_view text);

constexpr std::size_t data_header_size = 4;
void encode_data_header(std::span<std::byte, data_header_size> out, std::uint16_t number);

std::uint16_t number_at(Bytes packet, std::size_t offset);  // the packet must reach that far

}  // namespace tftp
