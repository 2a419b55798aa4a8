#include "protocols/tftp/get.hpp"

#include <algorithm>
#include <utility>

namespace tftp {
namespace {

using namespace std::chrono_literals;

// Before it says something again: twice as long each time, and at most what it asks of the server.
constexpr std::chrono::milliseconds first_wait = 1s, longest_wait = 5s;
constexpr std::uint16_t smallest_block = 8;

std::string text_of_error(Bytes packet) {
  const auto text = packet.subspan(4);
  const auto length = static_cast<std::size_t>(std::ranges::find(text, std::byte{0}) - text.begin());
  return {reinterpret_cast<const char*>(text.data()), length};
}

}  // namespace

Get::Get(std::vector<Option> options, std::chrono::milliseconds patience, Time now)
    : options_(std::move(options)), patience_(patience), give_up_(now + patience) {
  arm(now);
}

std::optional<GetAction> Get::poll() {
  if (arrived_) return Arrived{*std::exchange(arrived_, std::nullopt)};
  if (error_) return *std::exchange(error_, std::nullopt);
  if (std::exchange(request_due_, false)) return SendRequest{};
  if (std::exchange(ack_due_, false)) return SendAck{numbers_.wire(received_)};
  return {};
}

void Get::datagram(Bytes packet, Time now) {
  if (ending_ || packet.size() < 2) return;
  const auto opcode = static_cast<Opcode>(number_at(packet, 0));
  if (opcode == Opcode::oack) return take_oack(packet, now);
  if (packet.size() < 4) return;
  if (opcode == Opcode::data) return take_data(packet, now);
  if (opcode != Opcode::error) return;
  answered_ = true;
  finish({GetEnding::How::error, number_at(packet, 2), text_of_error(packet)});
}

// Why a client cannot go on with this option of an OACK; empty where it can, and then it is in force.
std::string Get::fault_of(const Option& given) {
  const auto asked = std::ranges::find_if(
      options_, [&](const Option& option) { return is_same_option(option.name, given.name); });
  if (asked == options_.end()) return given.name + " was not asked for";
  const auto value = option_number(given.value), most = option_number(asked->value);
  const auto fault = given.name + " " + given.value + " is not an answer to " + asked->value;
  if (!value) return fault;
  if (is_same_option(given.name, "tsize")) {
    tsize_ = *value;
  } else if (is_same_option(given.name, "blksize")) {
    if (*value < smallest_block || *value > most.value_or(0)) return fault;
    block_size_ = static_cast<std::uint16_t>(*value);
  } else if (*value == 0 || *value > most.value_or(0)) {
    return fault;
  }
  return {};
}

void Get::take_oack(Bytes packet, Time now) {
  if (received_ > 0) return;
  if (oack_) {  // our ACK was lost
    ++resent_;
    return acknowledge();
  }
  answered_ = true;
  auto given = parse_oack(packet);
  std::string fault = given ? "" : "the OACK is cut";
  if (given) {
    for (const auto& option : *given)
      if (fault.empty()) fault = fault_of(option);
  }
  oack_ = std::move(given);
  if (!fault.empty())
    return refuse(ErrorCode::option_refused, text_of(ErrorCode::option_refused),
                  {GetEnding::How::bad_options, 0, std::move(fault)});
  got_on(now);
  acknowledge();
}

void Get::take_data(Bytes packet, Time now) {
  const auto number = number_at(packet, 2);
  const auto ahead = numbers_.ahead(received_, number);
  const auto data = packet.subspan(data_header_size);
  if (ahead == 0 && received_ > 0) {  // our ACK was lost, or late
    ++resent_;
    return acknowledge();
  }
  if (ahead != 1) {
    constexpr std::uint64_t window = 256;  // what is further ahead lies in the past
    if (ahead && *ahead > 1 && *ahead < window) early_ = number;
    return;
  }
  answered_ = true;
  if (data.size() > block_size_)
    return refuse(ErrorCode::illegal_operation, "DATA is longer than the block size",
                  {GetEnding::How::long_block, 0,
                   std::to_string(data.size()) + " bytes in a block of " + std::to_string(block_size_)});
  ++received_;
  bytes_ += data.size();
  arrived_ = data;
  got_on(now);
  acknowledge();
  if (data.size() < block_size_) finish({GetEnding::How::whole, 0, {}});
}

void Get::timeout(Time now) {
  if (ending_ || now < deadline_) return;
  if (now >= give_up_) return finish({GetEnding::How::silence, 0, {}});
  ++tries_;
  ++resent_;
  if (answered_) {
    acknowledge();
  } else {
    request_due_ = true;
  }
  arm(now);
}

void Get::unreachable() { finish({GetEnding::How::port_closed, 0, {}}); }

void Get::stop() {
  refuse(ErrorCode::undefined, "The client has seen enough", {GetEnding::How::stopped, 0, {}});
}

void Get::got_on(Time now) {
  tries_ = 0;
  give_up_ = now + patience_;
  arm(now);
}

void Get::arm(Time now) {
  auto wait = first_wait;
  for (int i = 0; i < tries_ && wait < longest_wait; ++i) wait *= 2;
  deadline_ = std::min(now + std::min(wait, longest_wait), give_up_);
}

void Get::refuse(ErrorCode code, std::string_view text, GetEnding ending) {
  if (ending_) return;
  ack_due_ = false;
  error_ = SendError{code, text};
  finish(std::move(ending));
}

}  // namespace tftp
