#include "server/text/miss_text.hpp"

#include <fmt/format.h>

#include "protocols/tftp/packet.hpp"
#include "server/events/protocol.hpp"
#include "server/text/escape.hpp"
#include "storage/images/image_name.hpp"
#include "storage/lookup/miss.hpp"

namespace server {
namespace {

// A path for the controller helps only where the controller would find images there.
bool helps_controllers(const storage::Miss& miss) {
  return miss.nearest && miss.cause != storage::Cause::not_unpacked &&
         storage::is_for_controllers(miss.nearest->name());
}

}  // namespace

std::string fix_of(const storage::Miss& miss, event::Protocol protocol) {
  auto fix = escaped(miss.hint, most_of_ours);
  // Controllers fetch over TFTP and SFTP: over HTTP there is no path to set.
  if (!helps_controllers(miss) || protocol == event::Protocol::http) return fix;
  return fmt::format("{}: {}-image-path {}", fix, protocol == event::Protocol::tftp ? "tftp" : "sftp",
                     escaped_path(miss.nearest->parent().text()));
}

std::string text_of(const storage::Miss& miss, event::Protocol protocol) {
  const auto what = escaped(miss.what), fix = fix_of(miss, protocol);
  return fix.empty() ? what : what + "; " + fix;
}

std::string client_text(const storage::Miss& miss) {
  if (!miss.for_client.empty()) return miss.for_client;
  return miss.hint.empty() ? miss.what : miss.what + "; " + miss.hint;
}

std::string console_text(tftp::ErrorCode code, const storage::Miss& miss, std::size_t most) {
  const auto head = std::string(text_of(code)) + ": ";
  auto text = head + client_text(miss);
  if (text.size() <= most) return text;
  const auto hint = miss.for_client.empty() ? miss.hint : std::string();
  constexpr std::string_view mark = "...; ";
  const auto taken = head.size() + mark.size() + hint.size();
  if (!hint.empty() && taken < most)
    return head + miss.what.substr(0, most - taken) + std::string(mark) + hint;
  // The number of the error says what the head does.
  if (!hint.empty()) text = head.size() + hint.size() <= most ? head + hint : hint;
  text.resize(std::min(text.size(), most));
  return text;
}

}  // namespace server
