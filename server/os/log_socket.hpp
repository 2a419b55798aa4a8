#pragma once
#include <string>
#include <string_view>
#include <system_error>

namespace server {

// Where each line is a datagram: the journal's socket or syslog's. A daemon that is started again is found
// again by itself. Belongs to one thread, which waits while the reader is busy: the loop must not.
class LogSocket {
 public:
  // Throws std::system_error when there is no socket to be made, or no socket's path is so long.
  explicit LogSocket(std::string path);
  LogSocket(const LogSocket&) = delete;
  LogSocket& operator=(const LogSocket&) = delete;
  ~LogSocket();

  const std::string& path() const { return path_; }
  std::error_code reach() const;  // whether somebody listens there; nothing is sent
  std::error_code send(std::string_view record) const;

 private:
  std::string path_;
  int socket_;
};

}  // namespace server
