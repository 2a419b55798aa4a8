#include "server/probe/tftp_verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "server/probe/endpoint_text.hpp"
#include "server/text/escape.hpp"

namespace server::probe {
namespace {

using How = tftp::GetEnding::How;

// A server that counts blocks with 15 or 16 bits ends here, or one block later.
constexpr std::array<std::uint64_t, 4> counting_ends{32767, 32768, 65535, 65536};

bool ends_where_counting_does(const TftpAnswer& answer) {
  return std::ranges::find(counting_ends, answer.blocks) != counting_ends.end();
}

// Nothing shows that a packet of ours reached the server's port: the second answer did not come.
bool only_first_answer(const TftpAnswer& answer) {
  return answer.blocks == 0 || (answer.blocks == 1 && !answer.given);
}

Cause cause_of_error(const TftpAnswer& answer) {
  if (ends_where_counting_does(answer)) return Cause::wrap;
  const auto words = cause_in_words(answer.ending.text);
  if (words == Cause::is_folder) return words;
  switch (static_cast<tftp::ErrorCode>(answer.ending.code)) {
    case tftp::ErrorCode::file_not_found:
      return Cause::not_found;
    case tftp::ErrorCode::access_denied:
      return Cause::access;
    case tftp::ErrorCode::illegal_operation:  // of servers that are older than options
    case tftp::ErrorCode::option_refused:
      return Cause::options;
    default:
      return words;
  }
}

Cause cause_of_silence(const TftpAnswer& answer) {
  if (!answer.peer) return answer.stranger ? Cause::wrong_source : Cause::timed_out;
  if (only_first_answer(answer)) return Cause::half_way;
  return ends_where_counting_does(answer) ? Cause::wrap : Cause::stalled;
}

std::string so_far(const TftpAnswer& answer) {
  auto text = fmt::format("after {} blocks, {} bytes", answer.blocks, answer.bytes);
  if (answer.announced) text += fmt::format(" of {}", *answer.announced);
  if (answer.early_number)
    text += fmt::format("; the server went on with block {}, and {} was due", *answer.early_number,
                        (answer.blocks + 1) % 65536);
  return text;
}

std::string silence(const TftpAnswer& answer, const TftpQuestion& question) {
  const auto patience = std::chrono::duration<double>(question.patience).count();
  if (!answer.peer && answer.stranger)
    return fmt::format("{} was asked, and {} answered", question.server.address().to_string(),
                       answer.stranger->to_string());
  if (!answer.peer)
    return fmt::format("no packet came within {:.0f} s; the request went out {} times", patience,
                       answer.resent + 1);
  if (only_first_answer(answer))
    return fmt::format("an answer came from {}, and then nothing for {:.0f} s", endpoint_text(*answer.peer),
                       patience);
  return fmt::format("nothing came any more for {:.0f} s {}; {} packets had to be sent again", patience,
                     so_far(answer), answer.resent);
}

}  // namespace

Cause cause_of(const TftpAnswer& answer) {
  if (answer.unsendable) return Cause::no_route;
  switch (answer.ending.how) {
    case How::port_closed:
      return answer.peer ? Cause::stalled : Cause::refused;
    case How::error:
      return cause_of_error(answer);
    case How::bad_options:
    case How::long_block:
      return Cause::options;
    case How::silence:
      return cause_of_silence(answer);
    case How::whole:
    case How::stopped:
      break;
  }
  return Cause::error;
}

std::string what_of(const TftpAnswer& answer, const TftpQuestion& question) {
  if (answer.unsendable)
    return fmt::format("sending to {} failed: {}", question.server.address().to_string(),
                       answer.unsendable.message());
  switch (answer.ending.how) {
    case How::port_closed:
      if (!answer.peer)
        return fmt::format("nobody listens on UDP port {} of {} (ICMP port unreachable)",
                           question.server.port(), question.server.address().to_string());
      return fmt::format("the server closed its port {} {}", endpoint_text(*answer.peer), so_far(answer));
    case How::error:
      return fmt::format("the server sent ERROR {}{}{}", answer.ending.code,
                         answer.ending.text.empty() ? "" : ": ", escaped(answer.ending.text)) +
             (answer.blocks > 0 ? ", " + so_far(answer) : "");
    case How::bad_options:
      return fmt::format("the server's answer to the options cannot be used: {}",
                         escaped(answer.ending.text));
    case How::long_block:
      return fmt::format("the server sends longer blocks than were agreed: {}", escaped(answer.ending.text));
    case How::silence:
      return silence(answer, question);
    case How::whole:
    case How::stopped:
      break;
  }
  return {};
}

}  // namespace server::probe
