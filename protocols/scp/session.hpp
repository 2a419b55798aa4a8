#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "protocols/files/file_session.hpp"
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

// The server's side of one legacy scp command. When it is finished() and its output is sent, the channel gets
// the exit status and ends; what the driver has open for it then is forgotten, and an upload vanishes.
class Session : public FileSession {
 public:
  bool feed(Bytes bytes) override;
  void eof() override { eof_ = true; }  // how an upload ends
  // At most 32 KiB more than `room` wait after it.
  std::optional<Operation> poll(std::size_t room = enough_output) override;
  bool more() const override { return more_; }
  void done(Answer answer) override;
  bool close_next() override;

  protocols::OutputBuffer& output() override { return output_; }
  std::vector<Event> take_events() { return std::exchange(events_, {}); }
  std::size_t held() const override { return input_.held() + output_.capacity(); }
  bool finished() const { return exit_status_.has_value(); }
  std::optional<int> exit_status() const override { return exit_status_; }  // 0 or 1
  bool idle() const override;
  bool broken() const override { return false; }

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
