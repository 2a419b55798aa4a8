#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace bench {

// What an RRQ asks for; the defaults of RFC 1350 are not sent as options.
struct Shape {
  std::uint32_t block_size = 512;
  std::uint32_t window = 1;
};

// One download as a strict client of RFC 1350, 2347, 2348 and 7440 plays it. Pure: it sees datagrams and
// silence, and answers with the datagram to send (empty: none). Every byte is compared with the reference,
// which it does not own.
class Download {
 public:
  Download(std::string_view name, Shape wanted, std::string_view reference);

  std::string request() const;
  std::string datagram(std::string_view packet);
  std::string silence();  // nothing came for too long: the request or the last acknowledgement once more

  bool done() const { return done_; }
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }
  std::uint64_t blocks() const { return blocks_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t unwanted() const { return unwanted_; }  // datagrams that brought no new block
  Shape agreed() const { return agreed_; }

 private:
  std::string data(std::uint16_t block, std::string_view payload);
  std::string options(std::string_view list);
  std::string acknowledge();
  std::string fail(std::uint16_t code, std::string why);

  std::string_view name_;
  Shape wanted_;
  std::string_view reference_;
  Shape agreed_;
  std::uint64_t blocks_ = 0;  // received in order
  std::uint64_t bytes_ = 0;
  std::uint64_t acknowledged_ = 0;  // the last acknowledgement's block: the server's window begins behind it
  std::uint64_t unwanted_ = 0;
  bool answered_ = false;
  bool gap_told_ = false;
  bool done_ = false;
  std::string failure_;
};

}  // namespace bench
