#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <system_error>

#include "server/net.hpp"

namespace server {

// UDP beyond what Asio has: the address that a request was sent to, and many packets in one call.

struct Datagram {
  std::span<const std::byte> bytes;
  udp::endpoint from;
  net::ip::address to;  // the address of ours that was asked
};

// Makes a bound wildcard socket tell the address asked, and gives it room for a burst: a thousand access
// points ask in the same second, and what the kernel drops comes again only after their timeout.
void prepare_listener(udp::socket& socket);
// The next request, into `buffer`. Nothing when none waits.
std::optional<Datagram> receive_request(udp::socket& socket, std::span<std::byte> buffer);

// A socket of its own for one client, connected, so that the kernel keeps strangers out (they draw its port
// unreachable). It speaks from `local`, and leaves large datagrams to be fragmented: DF makes boot loaders
// fail.
udp::socket connect_transfer(net::io_context& loop, const net::ip::address& local, std::uint16_t local_port,
                             const udp::endpoint& peer, std::size_t send_buffer, error_code& error);

// Sends packets of one transfer, many at once where kernel and device can (UDP_SEGMENT), else one by one.
// Which it is shows at the first send and is kept.
class PacketSender {
 public:
  // `packets` are `packet_size` bytes each but for the last. Returns how many packets were taken, with
  // errc::operation_would_block in `error` when the socket's buffer is full.
  std::size_t send(udp::socket& socket, std::span<const std::byte> packets, std::size_t packet_size,
                   std::error_code& error);

  static constexpr std::size_t most_packets = 64;    // the kernel's UDP_MAX_SEGMENTS before 6.x
  static constexpr std::size_t most_bytes = 65'000;  // below what one IP datagram holds

 private:
  bool segmentation_ = true;
};

}  // namespace server
