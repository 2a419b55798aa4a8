#pragma once
#include <cstddef>
#include <optional>
#include <span>

#include "protocols/files/file_operation.hpp"

namespace server {

// What speaks with the client on an SSH channel: SFTP or SCP. It only takes and gives bytes; its channel
// carries them, and has its operations performed. Lives on the loop.
class FileService {
 public:
  virtual ~FileService() = default;

  // False: this is not the protocol, or more than anybody has a reason to send ahead.
  virtual bool feed(std::span<const std::byte> bytes) = 0;
  virtual void eof() = 0;  // the client will send no more
  // What is to be done next. No more answers are begun when `room` bytes of them wait.
  virtual std::optional<files::Operation> poll(std::size_t room) = 0;
  virtual bool more() const = 0;  // poll() stopped only to be fair to others
  virtual void done(files::Answer answer) = 0;
  virtual void close_all() = 0;  // the channel ended

  virtual std::span<const std::byte> output() = 0;
  virtual void consume(std::size_t count) = 0;
  virtual void release_output() = 0;  // an idle session keeps no buffer

  virtual void tell() = 0;  // emits what happened since the last call
  // Whether it is worth an explanation that the operation finds nothing.
  virtual bool misses(const files::Operation& operation) const = 0;
  virtual std::size_t held() const = 0;  // bytes of requests without an answer, and of answers
  virtual bool idle() const = 0;
  // Whether it is to be brought to its end though the client has closed the channel, after all that it had to
  // send.
  virtual bool outlives_client() const = 0;
  virtual bool broken() const = 0;                     // the client broke the protocol
  virtual std::optional<int> exit_status() const = 0;  // once it has nothing more to do
};

}  // namespace server
