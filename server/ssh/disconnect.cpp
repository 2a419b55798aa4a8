#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <span>
#include <string_view>
#include <vector>

#include "server/os/heap.hpp"
#include "server/os/socket_output.hpp"
#include "server/ssh/disconnect.hpp"

namespace server::ssh {
namespace {

// This part of libssh's ssh_session_struct, the same in 0.10 and 0.11. Between other fields; found by the
// first, which is a copy of the text that we give.
struct Part {
  char* disconnect_message;
  ssh_buffer in_buffer;
  struct {
    int valid;
    std::uint32_t length;
    std::uint8_t type;
  } in_packet;
  ssh_buffer out_buffer;
};

using Words = std::vector<std::uintptr_t>;

Words words_of(ssh_session session) {
  Words words(size_on_heap(session) / sizeof(std::uintptr_t));
  std::memcpy(words.data(), static_cast<const void*>(session), words.size() * sizeof(std::uintptr_t));
  return words;
}

bool may_be_memory(const void* pointer) {
  return pointer && reinterpret_cast<std::uintptr_t>(pointer) % alignof(std::max_align_t) == 0;
}

// `before` is the record without a text, `after` with one: one word has changed.
ssh_buffer output_of(const Words& before, const Words& after) {
  const auto [old, place] = std::ranges::mismatch(before, after);
  if (old == before.end() || *old != 0) return nullptr;
  if (static_cast<std::size_t>(after.end() - place) < sizeof(Part) / sizeof(std::uintptr_t)) return nullptr;
  Part part;
  std::memcpy(&part, &*place, sizeof part);
  const bool as_known = may_be_memory(part.in_buffer) && may_be_memory(part.out_buffer) &&
                        part.in_packet.valid >= 0 && part.in_packet.valid <= 1 && part.in_packet.type > 0;
  return as_known && ssh_buffer_get_len(part.out_buffer) == 0 ? part.out_buffer : nullptr;
}

class Packet {
 public:
  void u8(std::uint8_t value) { bytes_.push_back(value); }
  void u32(std::size_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) u8(static_cast<std::uint8_t>(value >> shift & 0xff));
  }
  void string(std::string_view text) {
    u32(text.size());
    this->text(text);
  }
  void text(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

// Up to the language.
Packet beginning(Disconnect code, std::string_view text) {
  constexpr std::uint8_t message_disconnect = 1;
  Packet packet;
  packet.u8(message_disconnect);
  packet.u32(static_cast<std::size_t>(code));
  packet.string(text);
  return packet;
}

// As it goes over the wire before there are keys (RFC 4253 6).
Packet unencrypted(std::string_view banner, const Packet& payload) {
  constexpr std::size_t block = 8, least_padding = 4, head = 4 + 1;
  const auto size = payload.bytes().size();
  const auto padding = least_padding + (block - (head + size + least_padding) % block) % block;
  Packet packet;
  packet.text(banner);
  if (!banner.empty()) packet.text("\r\n");
  packet.u32(1 + size + padding);
  packet.u8(static_cast<std::uint8_t>(padding));
  for (const auto each : payload.bytes()) packet.u8(each);
  for (std::size_t i = 0; i < padding; ++i) packet.u8(0);
  return packet;
}

}  // namespace

void disconnect(ssh_session session, Disconnect code, const std::string& text) noexcept {
  try {
    const auto before = words_of(session);
    if (!text.empty() && ssh_session_set_disconnect_message(session, text.c_str()) == SSH_OK &&
        ssh_is_connected(session) != 0 && code != Disconnect::by_application) {
      if (auto* const output = output_of(before, words_of(session))) {
        auto packet = beginning(code, text);
        packet.u32(1 + 4 + 4 + text.size() + 4);  // of libssh's packet: a type, a code and two texts
        ssh_buffer_add_data(output, packet.bytes().data(), static_cast<std::uint32_t>(packet.bytes().size()));
      }
    }
  } catch (const std::exception&) {  // no memory for a farewell
  }
  ssh_disconnect(session);
}

void disconnect_unencrypted(SocketHandle socket, std::string_view banner, std::string_view text) noexcept {
  try {
    auto payload = beginning(Disconnect::protocol_error, text);
    payload.string("");
    const auto packet = unencrypted(banner, payload);
    send_at_once(socket, std::as_bytes(std::span(packet.bytes())));
  } catch (const std::exception&) {  // no memory for a farewell
  }
}

}  // namespace server::ssh
