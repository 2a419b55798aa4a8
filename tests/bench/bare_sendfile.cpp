// The bench's yardstick for HTTP: accepts, and answers each request with the file, by sendfile alone. One
// client a time for each process that it forks; it reads nothing of a request but its path, and neither
// times, limits nor logs.
//
//     bare_sendfile PORT DIRECTORY
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void serve(int client, const std::string& directory) {
  std::array<char, 4096> request{};
  for (;;) {
    const auto got = ::read(client, request.data(), request.size());
    if (got <= 0) return;
    const std::string_view line(request.data(), static_cast<std::size_t>(got));
    const auto begin = line.find(' ') + 1;
    const int file =
        ::open((directory + std::string(line.substr(begin, line.find(' ', begin) - begin))).c_str(),
               O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (file < 0 || ::fstat(file, &status) != 0) return;
    const auto head = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(status.st_size) + "\r\n\r\n";
    if (::write(client, head.data(), head.size()) < 0) return;
    off_t at = 0;
    while (at < status.st_size)
      if (::sendfile(client, file, &at, static_cast<std::size_t>(status.st_size - at)) <= 0) return;
    ::close(file);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  std::signal(SIGCHLD, SIG_IGN);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(arguments[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 64) != 0) {
    std::perror("bare_sendfile");
    return 1;
  }
  for (;;) {
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::fork() == 0) {
      serve(client, arguments[2]);
      std::_Exit(0);
    }
    ::close(client);
  }
}
