#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "protocols/files/file_operation.hpp"
#include "protocols/files/output_buffer.hpp"
#include "protocols/scp/input.hpp"
#include "protocols/scp/record.hpp"

namespace scp {

using Bytes = std::span<const std::byte>;
using namespace files;

// Names and texts are hostile.
namespace event {
// A file was opened, for reading or for an upload.
struct Opened {
  std::string name;
  bool write;
};
// A file was closed, with the bytes that went either way.
struct Closed {
  std::string name;
  std::uint64_t read, written;  // bytes
  bool forced;                  // the session ended, or what was written vanishes
};
// Something about a file, or the session, went wrong.
struct Failed {
  std::string name, text;  // the name is empty when it is not about a file
  bool by_client;          // it told us, or went away; else we told it
};
}  // namespace event
using Event = std::variant<event::Opened, event::Closed, event::Failed>;

// The server's side of one legacy scp command. Pure: the channel's bytes come in through feed() and leave
// through output(); what has to happen in the file system comes out of poll(), one operation at a time, and
// its answer goes into done(). When it is finished() and its output is sent, the channel gets the exit status
// and ends; what the driver has open for it then is forgotten, and an upload vanishes. One thread at a time.
class Session {
 public:
  virtual ~Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // False: more than any client has a reason to send ahead; close the channel.
  bool feed(Bytes bytes);
  void eof() { eof_ = true; }  // the client's: how an upload ends
  // Works through some of what was fed, until something has to be done, or `room` bytes of output wait, and
  // at most 32 KiB more.
  std::optional<Operation> poll(std::size_t room = enough_output);
  bool more() const { return more_; }  // poll() stopped to be fair to others: call it again in another turn
  void done(const Answer& answer);
  void close_all();  // the channel ended: says what was still open

  protocols::OutputBuffer& output() { return output_; }
  std::vector<Event> take_events() { return std::exchange(events_, {}); }
  std::size_t held() const { return input_.size() + output_.capacity(); }  // bytes
  bool finished() const { return exit_status_.has_value(); }
  int exit_status() const { return exit_status_.value_or(1); }  // 0 or 1
  bool idle() const;  // nothing is begun and not at its end, or waiting to be sent

 protected:
  struct Open {
    std::string name;
    std::uint64_t read = 0, written = 0;
  };
  enum class Reply { ok, error, fatal, unknown, lost };
  enum class NoLine { waits, lost, too_long };

  explicit Session(std::size_t most_input) : most_input_(most_input) {}

  virtual bool step() = 0;  // false when it waits for the client
  virtual void answered(const Answer& answer) = 0;
  virtual bool under_way() const = 0;  // also when it waits for the client

  void begin(Operation operation) { pending_ = Pending{std::move(operation), false}; }

  // The client's status byte, and the text after it. `name`: what it is about, for the log.
  std::optional<Reply> take_reply(std::string_view name);
  std::expected<std::string, NoLine> take_line();

  void send(std::string_view text);
  void send_ok() { send({"\0", 1}); }
  void complain(std::string_view name, std::string_view text);  // \1scp: NAME: TEXT
  void complain_of_protocol(std::string_view why);
  void client_complained(std::string_view name, std::string text);
  void opened(std::string name, bool write);
  void closed(bool forced);
  void finish() { exit_status_ = failed_ ? 1 : 0; }
  void count_failure() { failed_ = true; }  // what complains does so itself

  Input input_;
  bool eof_ = false;
  protocols::OutputBuffer output_;
  std::optional<Open> file_;

  static constexpr std::size_t enough_output = 128 << 10;  // beyond it nothing more is begun
  std::size_t room() const { return room_; }

 private:
  struct Pending {
    Operation operation;
    bool given;  // poll() has handed it out
  };

  const std::size_t most_input_;
  std::size_t room_ = enough_output;
  bool more_ = false, failed_ = false;
  std::optional<Pending> pending_;
  std::optional<int> exit_status_;
  std::vector<Event> events_;
};

std::optional<std::error_code> error_of(const Answer& answer);
std::error_code error_of(storage::PathError error);  // of a name that no file can have

}  // namespace scp
