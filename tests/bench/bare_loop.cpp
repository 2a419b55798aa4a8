// The bench's yardstick: the loop that any server of this shape has at its heart, with all left out that
// makes it a server. It takes what it hears for what tftp_load sends, opens names as they are, and neither
// times, limits nor logs. Two calls send a window: preadv2 and, with UDP_SEGMENT, sendmsg. On 127.0.0.1.
//
//     bare_loop PORT DIRECTORY
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

enum Opcode : unsigned char {
  read_request = 1,
  data = 3,
  acknowledgement = 4,
  error = 5,
  option_acknowledgement = 6
};

constexpr std::size_t header = 4, most_segments = 64;

struct Transfer {
  int socket = -1, file = -1;
  std::uint64_t size = 0, blksize = 512, windowsize = 1, acknowledged = 0;
};

std::vector<Transfer> transfers;  // by their sockets
std::array<unsigned char, 65536> received, buffer;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int udp_socket(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    fail("bare_loop: socket");
  return fd;
}

void watch(int events, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) != 0) fail("bare_loop: epoll_ctl");
}

void end(Transfer& transfer) {
  ::close(transfer.file);
  ::close(transfer.socket);
  transfer = {};
}

// Reads the blocks to where they belong in the datagrams that the kernel cuts them into.
void send_window(const Transfer& t) {
  const auto blocks =
      std::min({t.windowsize, t.size / t.blksize + 1 - t.acknowledged, std::uint64_t{most_segments}});
  const auto datagram = header + t.blksize;
  std::array<iovec, most_segments> places;
  for (std::uint64_t i = 0; i < blocks; ++i) {
    auto* const at = &buffer[i * datagram];
    const auto number = t.acknowledged + 1 + i;
    at[0] = 0, at[1] = data;
    at[2] = static_cast<unsigned char>(number >> 8), at[3] = static_cast<unsigned char>(number);
    places[i] = {at + header, t.blksize};
  }
  const auto read = ::preadv2(t.file, places.data(), static_cast<int>(blocks),
                              static_cast<off_t>(t.acknowledged * t.blksize), RWF_NOWAIT);
  if (read < 0) fail("bare_loop: preadv2");
  iovec whole{buffer.data(), blocks * header + static_cast<std::size_t>(read)};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> control{};
  msghdr message{};
  message.msg_iov = &whole, message.msg_iovlen = 1;
  if (blocks > 1) {
    message.msg_control = control.data(), message.msg_controllen = control.size();
    auto* const segment = CMSG_FIRSTHDR(&message);
    segment->cmsg_level = SOL_UDP, segment->cmsg_type = UDP_SEGMENT;
    segment->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto size = static_cast<std::uint16_t>(datagram);
    std::memcpy(CMSG_DATA(segment), &size, sizeof size);
  }
  ::sendmsg(t.socket, &message, 0);
}

void hear(Transfer& t) {
  const auto got = ::recv(t.socket, received.data(), received.size(), 0);
  if (got < 4) return;
  if (received[1] != acknowledgement) return end(t);
  const auto number = static_cast<std::uint16_t>(received[2] << 8 | received[3]);
  t.acknowledged += static_cast<std::uint16_t>(number - t.acknowledged);
  if (t.acknowledged * t.blksize > t.size) return end(t);
  send_window(t);
}

std::string_view next_text(std::string_view& rest) {
  const auto text = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(std::min(text.size() + 1, rest.size()));
  return text;
}

void begin(int events, int listener) {
  sockaddr_in client{};
  socklen_t length = sizeof client;
  const auto got = ::recvfrom(listener, received.data(), received.size(), 0,
                              reinterpret_cast<sockaddr*>(&client), &length);
  if (got < 4 || received[1] != read_request) return;
  std::string_view rest(reinterpret_cast<const char*>(received.data()) + 2,
                        static_cast<std::size_t>(got) - 2);
  Transfer t;
  const std::string name(next_text(rest));
  next_text(rest);  // the mode
  std::string answer{'\0', option_acknowledgement};
  while (!rest.empty()) {
    const std::string option(next_text(rest)), value(next_text(rest));
    if (option == "blksize") t.blksize = std::stoull(value);
    if (option == "windowsize") t.windowsize = std::stoull(value);
    answer += option + '\0' + value + '\0';
  }
  t.file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (t.file < 0 || ::fstat(t.file, &status) != 0) {
    constexpr std::array<char, 5> file_not_found{0, error, 0, 1, 0};
    ::sendto(listener, file_not_found.data(), file_not_found.size(), 0, reinterpret_cast<sockaddr*>(&client),
             length);
    return;
  }
  t.size = static_cast<std::uint64_t>(status.st_size);
  t.socket = udp_socket(0);
  if (::connect(t.socket, reinterpret_cast<sockaddr*>(&client), length) != 0) fail("bare_loop: connect");
  watch(events, t.socket);
  if (answer.size() == 2) {
    send_window(t);
  } else {
    ::send(t.socket, answer.data(), answer.size(), 0);
  }
  transfers[static_cast<std::size_t>(t.socket)] = t;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3 || ::chdir(arguments[2]) != 0) {
    std::fprintf(stderr, "usage: bare_loop PORT DIRECTORY\n");
    return 2;
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  transfers.resize(limit.rlim_max);
  const int listener = udp_socket(static_cast<std::uint16_t>(std::atoi(arguments[1])));
  const int events = ::epoll_create1(EPOLL_CLOEXEC);
  watch(events, listener);
  std::array<epoll_event, 256> ready;
  for (;;) {
    const int heard = ::epoll_wait(events, ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < heard; ++i) {
      const int fd = ready[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        begin(events, listener);
      } else if (auto& transfer = transfers[static_cast<std::size_t>(fd)]; transfer.socket == fd) {
        hear(transfer);
      }
    }
  }
}
