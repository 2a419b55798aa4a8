#include "tests/bench/download.hpp"

#include <fmt/format.h>

#include <charconv>

namespace bench {
namespace {

enum Opcode : std::uint16_t { rrq = 1, data_block = 3, ack = 4, error = 5, oack = 6 };

void put_word(std::string& to, std::uint16_t word) {
  to.push_back(static_cast<char>(word >> 8));
  to.push_back(static_cast<char>(word & 0xff));
}

std::uint16_t word_at(std::string_view packet, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(packet[at]) << 8 |
                                    static_cast<unsigned char>(packet[at + 1]));
}

std::string_view take_string(std::string_view& list) {
  const auto end = list.find('\0');
  const auto text = list.substr(0, end);
  list.remove_prefix(end == list.npos ? list.size() : end + 1);
  return text;
}

// An answer must be a number and no more than was asked; both options work that way.
bool agree(std::string_view value, std::uint32_t least, std::uint32_t asked, std::uint32_t& agreed) {
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), agreed);
  return error == std::errc() && end == value.data() + value.size() && agreed >= least && agreed <= asked;
}

}  // namespace

Download::Download(std::string_view name, Shape wanted, std::string_view reference)
    : name_(name), wanted_(wanted), reference_(reference) {}

std::string Download::request() const {
  std::string packet;
  put_word(packet, rrq);
  packet.append(name_).push_back('\0');
  packet.append("octet").push_back('\0');
  if (wanted_.block_size != Shape{}.block_size)
    packet += fmt::format("blksize{0}{1}{0}", '\0', wanted_.block_size);
  if (wanted_.window != Shape{}.window) packet += fmt::format("windowsize{0}{1}{0}", '\0', wanted_.window);
  return packet;
}

std::string Download::datagram(std::string_view packet) {
  if (packet.size() < 4) return fail(4, fmt::format("a datagram of {} bytes", packet.size()));
  switch (word_at(packet, 0)) {
    case data_block:
      return data(word_at(packet, 2), packet.substr(4));
    case oack:
      return options(packet.substr(2));
    case error: {
      auto text = packet.substr(4);
      failure_ = fmt::format("ERROR {} {}", word_at(packet, 2), take_string(text));
      return {};
    }
    default:
      return fail(4, fmt::format("opcode {}", word_at(packet, 0)));
  }
}

std::string Download::silence() {
  gap_told_ = false;
  return answered_ ? acknowledge() : request();
}

std::string Download::data(std::uint16_t block, std::string_view payload) {
  answered_ = true;
  // Block numbers wrap as often as they must, so only the distance to the next one counts.
  const auto ahead = static_cast<std::int16_t>(block - static_cast<std::uint16_t>(blocks_ + 1));
  if (ahead != 0) {
    ++unwanted_;
    // A gap is told once. A repeated block is acknowledged again only when it is the one that was
    // acknowledged last: that answer was lost. Any other would restart the server within a window that is on
    // its way already.
    const bool lost_answer = ahead == -1 && blocks_ == acknowledged_;
    if (lost_answer || (ahead > 0 && !gap_told_)) {
      gap_told_ = ahead > 0;
      return acknowledge();
    }
    return {};
  }
  gap_told_ = false;
  if (payload.size() > agreed_.block_size) return fail(4, fmt::format("block {} is too long", blocks_ + 1));
  if (payload != reference_.substr(bytes_, agreed_.block_size)) {
    return fail(0, fmt::format("block {} differs from the reference", blocks_ + 1));
  }
  ++blocks_;
  bytes_ += payload.size();
  done_ = payload.size() < agreed_.block_size;
  return done_ || blocks_ - acknowledged_ >= agreed_.window ? acknowledge() : std::string();
}

std::string Download::options(std::string_view list) {
  if (blocks_ > 0) return {};
  answered_ = true;
  agreed_ = {};
  while (!list.empty()) {
    const auto name = take_string(list);
    const auto value = take_string(list);
    const bool good = (name == "blksize" && agree(value, 8, wanted_.block_size, agreed_.block_size)) ||
                      (name == "windowsize" && agree(value, 1, wanted_.window, agreed_.window));
    if (!good) return fail(8, fmt::format("option {} {}", name, value));
  }
  return acknowledge();
}

std::string Download::acknowledge() {
  acknowledged_ = blocks_;
  std::string packet;
  put_word(packet, ack);
  put_word(packet, static_cast<std::uint16_t>(blocks_));
  return packet;
}

std::string Download::fail(std::uint16_t code, std::string why) {
  failure_ = std::move(why);
  std::string packet;
  put_word(packet, error);
  put_word(packet, code);
  packet.append(failure_).push_back('\0');
  return packet;
}

}  // namespace bench
