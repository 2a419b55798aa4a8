#include "server/datagram.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103  // linux/udp.h, which does not go together with netinet/udp.h
#endif

namespace server {
namespace {

constexpr int listener_buffer = 4 * 1024 * 1024;

template <class Value>
void set(int fd, int level, int option, const Value& value) {
  // Each of these makes things better where it works, and is missed by nobody where it does not.
  [[maybe_unused]] const int ignored = ::setsockopt(fd, level, option, &value, sizeof value);
}

void leave_fragmenting_to_routers(udp::socket& socket, bool v6) {
  if (v6) {
    set(socket.native_handle(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, int{IPV6_PMTUDISC_DONT});
  } else {
    set(socket.native_handle(), IPPROTO_IP, IP_MTU_DISCOVER, int{IP_PMTUDISC_DONT});
  }
}

net::ip::address local_address(msghdr& message) {
  for (auto* c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      // ipi_spec_dst, not ipi_addr: for a request to a broadcast address it is the interface's own.
      return net::ip::address_v4(ntohl(info.ipi_spec_dst.s_addr));
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      net::ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), &info.ipi6_addr, bytes.size());
      const net::ip::address_v6 address(bytes);
      if (address.is_multicast()) return net::ip::address_v6::any();
      return address.is_link_local() ? net::ip::address_v6(bytes, info.ipi6_ifindex) : address;
    }
  }
  return {};
}

}  // namespace

void prepare_listener(udp::socket& socket) {
  const int fd = socket.native_handle();
  const bool v6 = socket.local_endpoint().protocol() == udp::v6();
  set(fd, v6 ? int{IPPROTO_IPV6} : int{IPPROTO_IP}, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1);
  set(fd, SOL_SOCKET, SO_RCVBUF, listener_buffer);
  set(fd, SOL_SOCKET, SO_RCVBUFFORCE, listener_buffer);
}

std::optional<Datagram> receive_request(udp::socket& socket, std::span<std::byte> buffer) {
  udp::endpoint from;
  iovec vector{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<std::byte, 256> control;
  msghdr message{};
  message.msg_name = from.data();
  message.msg_namelen = static_cast<socklen_t>(from.capacity());
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto count = ::recvmsg(socket.native_handle(), &message, MSG_DONTWAIT);
  if (count < 0) return {};
  from.resize(message.msg_namelen);
  return Datagram{buffer.first(static_cast<std::size_t>(count)), from, local_address(message)};
}

udp::socket connect_transfer(net::io_context& loop, const net::ip::address& local, std::uint16_t local_port,
                             const udp::endpoint& peer, std::size_t send_buffer, error_code& error) {
  udp::socket socket(loop);
  const bool v6 = peer.protocol() == udp::v6();
  const auto any = v6 ? net::ip::address(net::ip::address_v6::any()) : net::ip::address_v4::any();
  socket.open(peer.protocol(), error);
  if (!error) socket.bind({local.is_unspecified() ? any : local, local_port}, error);
  if (!error) socket.connect(peer, error);
  if (!error) socket.non_blocking(true, error);
  if (error) return socket;
  leave_fragmenting_to_routers(socket, v6);
  // The kernel counts its own bookkeeping against the buffer, about as much again.
  int present = 0;
  socklen_t size = sizeof present;
  ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDBUF, &present, &size);
  if (const auto wanted = static_cast<int>(2 * send_buffer); wanted > present) {
    set(socket.native_handle(), SOL_SOCKET, SO_SNDBUF, wanted);
  }
  return socket;
}

std::size_t PacketSender::send(udp::socket& socket, std::span<const std::byte> packets,
                               std::size_t packet_size, std::error_code& error) {
  error.clear();
  const int fd = socket.native_handle();
  const auto count = std::max<std::size_t>((packets.size() + packet_size - 1) / packet_size, 1);
  if (segmentation_ && count > 1) {
    iovec vector{const_cast<std::byte*>(packets.data()), packets.size()};
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(std::uint16_t))> control{};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = IPPROTO_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto segment = static_cast<std::uint16_t>(packet_size);
    std::memcpy(CMSG_DATA(c), &segment, sizeof segment);
    if (::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return count;
    // The kernel does not know it (EINVAL, ENOPROTOOPT), the packets need fragments (EINVAL, EMSGSIZE), or
    // the device cannot (EIO): then one by one, for this transfer's rest.
    if (errno != EIO && errno != EINVAL && errno != EMSGSIZE && errno != EOPNOTSUPP && errno != ENOPROTOOPT) {
      error.assign(errno, std::system_category());
      return 0;
    }
    segmentation_ = false;
  }
  for (std::size_t sent = 0; sent < count; ++sent) {
    const auto packet =
        packets.subspan(sent * packet_size, std::min(packet_size, packets.size() - sent * packet_size));
    if (::send(fd, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      error.assign(errno, std::system_category());
      return sent;
    }
  }
  return count;
}

}  // namespace server
