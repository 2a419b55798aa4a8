#pragma once
#include <cstddef>
#include <optional>
#include <span>

#include "protocols/files/file_operation.hpp"
#include "protocols/files/output_buffer.hpp"

namespace files {

// The server's side of SFTP or SCP with one client: all that a driver needs to know of either. Pure: the
// client's bytes come in through feed() and leave through output(); what has to happen in the file system
// comes out of poll(), one operation at a time, and its answer goes into done(). What happened, each session
// tells in events of its own. The driver owns it; one thread at a time.
class FileSession {
 public:
  FileSession() = default;
  FileSession(const FileSession&) = delete;
  FileSession& operator=(const FileSession&) = delete;
  virtual ~FileSession() = default;

  // False: this is not the protocol, or more than any client has a reason to send ahead; close the channel.
  virtual bool feed(std::span<const std::byte> bytes) = 0;
  virtual void eof() = 0;  // the client will send no more
  // Works through some of what was fed, until something has to be done, or `room` bytes of output wait: a
  // client that does not take them must not cost more.
  virtual std::optional<Operation> poll(std::size_t room) = 0;
  virtual bool more() const = 0;  // poll() stopped to be fair to others: call it again in another turn
  virtual void done(Answer answer) = 0;
  // The channel ended: closes, as an event, one of what is still open. False when nothing is.
  virtual bool close_next() = 0;

  virtual protocols::OutputBuffer& output() = 0;

  virtual std::size_t held() const = 0;  // bytes of requests without an answer, and of answers
  virtual bool idle() const = 0;         // nothing is open, under way or waiting to be sent
  virtual bool broken() const = 0;       // the client broke the protocol: close the channel
  // Whether it is worth an explanation that the operation finds nothing.
  virtual bool misses(const Operation& operation) const = 0;
  // Whether it is to be brought to its end though the client has closed the channel, after all that it had to
  // send.
  virtual bool outlives_client() const = 0;
  virtual std::optional<int> exit_status() const = 0;  // once it has nothing more to do
};

}  // namespace files
