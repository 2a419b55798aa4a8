#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/files/file_operation.hpp"
#include "server/files/running.hpp"

namespace server {

// The transfers of one SFTP or SCP session: what it opens, reads, writes and closes, as the operations and
// their answers show it. Bookkeeping only: no file, no clock, no log. Lives on the loop, owned by the
// channel.
class FileTransfers {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Session {
    event::Protocol protocol;
    std::uint64_t number;
    std::string client, user;
    std::string root;  // of the user, as a path from "/"
  };
  // What the driver knows of an opened file beyond the answer.
  struct Opened {
    std::optional<std::string> served;  // the path that it was found under, if it is not the one asked for
    std::optional<std::uint64_t> size;
  };

  // They are among `running` as long as they are open. `stop` ends the session, for an administrator.
  FileTransfers(Session session, Running& running, std::function<void()> stop)
      : session_(std::move(session)), running_(running), stop_(std::move(stop)) {}
  FileTransfers(const FileTransfers&) = delete;
  FileTransfers& operator=(const FileTransfers&) = delete;

  // An operation was performed and is answered. Tells the transfer that ended with it.
  std::optional<event::TransferEnded> done(const files::Operation& operation, const files::Answer& answer,
                                           const Opened& opened, Time now);
  // The session ends, and so does each that is open: one a call. `text`: why, where we ended it.
  std::optional<event::TransferEnded> end_next(protocols::Cause cause, std::string_view text, Time now);

 private:
  struct Transfer final : Moving {
    Transfer(const FileTransfers& owner_, std::string asked_, std::string name_, bool write_,
             std::optional<std::uint64_t> size_, Time began_)
        : owner(owner_),
          asked(std::move(asked_)),
          name(std::move(name_)),
          write(write_),
          size(size_),
          began(began_) {}
    Moved moved() const override;
    void stop_by_administrator() override { owner.stop_(); }

    const FileTransfers& owner;
    std::string asked, name;
    bool write;
    std::optional<std::uint64_t> size;
    std::uint64_t bytes = 0;     // that were read or written, those of one place again and again
    std::uint64_t furthest = 0;  // of these: where the last of them ended
    Time began, last = began;
    std::error_code failed = {};  // the first thing that went wrong
    Running::Entry entry = {};
  };

  void begin(std::uint32_t handle, std::string asked, std::string name, bool write,
             std::optional<std::uint64_t> size, Time now);
  Transfer* find(std::uint32_t handle);
  std::string from_top(std::string_view path) const;
  std::optional<event::TransferEnded> end(std::uint32_t handle, protocols::Ending how, Time now);
  event::TransferEnded ended(const Transfer& transfer, protocols::Ending how, Time now) const;
  protocols::Ending closed(const Transfer& transfer) const;

  const Session session_;
  Running& running_;
  const std::function<void()> stop_;
  std::map<std::uint32_t, Transfer> open_;  // by their handles
};

}  // namespace server
