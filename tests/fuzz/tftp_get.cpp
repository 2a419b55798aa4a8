// A server that sends anything, at any time: a client takes what is in order, ends, and never says more than
// it must.
#include "protocols/tftp/get.hpp"

#include <algorithm>
#include <cstdint>

#include "tests/fuzz/require.hpp"

using fuzz::require;
using namespace std::chrono_literals;

namespace {

const std::vector<tftp::Option> asked{
    {"tsize", "0"}, {"blksize", "1428"}, {"timeout", "5"}, {"windowsize", "1"}};
constexpr std::size_t head = 3;
constexpr std::size_t most_actions =
    3;  // between two packets: bytes of the file, an ACK or ERROR, the request

// What is to be done; returns the file's bytes that came.
std::uint64_t drain(tftp::Get& get, tftp::Bytes packet) {
  std::uint64_t arrived = 0;
  std::size_t actions = 0;
  while (const auto action = get.poll()) {
    require(++actions <= most_actions, "it says a few things, and then waits");
    if (const auto* bytes = std::get_if<tftp::Arrived>(&*action)) {
      require(bytes->bytes.empty() ||
                  (bytes->bytes.data() >= packet.data() &&
                   bytes->bytes.data() + bytes->bytes.size() <= packet.data() + packet.size()),
              "the file's bytes lie in the packet");
      arrived += bytes->bytes.size();
    }
  }
  return arrived;
}

}  // namespace

// Packets, each after two bytes for its length and one for what the time does before it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tftp::Bytes rest = std::as_bytes(std::span(data, size));
  tftp::Time now{};
  tftp::Get get(rest.size() % 2 == 0 ? asked : std::vector<tftp::Option>{}, 25s, now);
  std::uint64_t arrived = drain(get, {});
  while (rest.size() >= head) {
    if ((rest[2] & std::byte{1}) != std::byte{0}) {
      now = std::max(now, get.deadline());
      get.timeout(now);
      arrived += drain(get, {});
    }
    const auto length = std::min<std::size_t>(tftp::number_at(rest, 0) % 2048, rest.size() - head);
    const auto packet = rest.subspan(head, length);
    rest = rest.subspan(head + length);
    get.datagram(packet, now);
    arrived += drain(get, packet);
    require(get.block_size() >= 8 && get.block_size() <= 1428, "it agrees to what it asked for");
    require(get.bytes() == arrived, "it counts what came");
    require(get.blocks() <= size / head, "a block is a packet");
  }
  for (int waits = 0; !get.ending(); ++waits) {
    require(waits < 20, "silence is its end");
    now = get.deadline();
    get.timeout(now);
    drain(get, {});
  }
  return 0;
}
