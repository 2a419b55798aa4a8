#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "conf/settings.hpp"
#include "server/drop/judge.hpp"
#include "server/loop/pause.hpp"
#include "server/os/folder_watch.hpp"
#include "storage/depot/staging.hpp"
#include "storage/import/drop_folder.hpp"

namespace server {

class Events;
struct Lanes;

// Watches drop/ and imports what lands there, one file after the other; of several servers on one depot one
// does, and when it ends the next. Lives on the loop; the unpacking is a worker's. Whatever goes wrong with
// one file, memory included, is told, and it is tried again.
class Importer {
 public:
  // So many names that stay in drop/ are kept in mind. While there are as many, no look at the folder chooses
  // others, since each would be read and told again at every look.
  static constexpr std::size_t most_remembered = 5 * storage::DropFolder::most_names;

  // Throws std::system_error when drop/ cannot be watched.
  Importer(net::io_context& loop, Lanes& lanes, Events& events, const storage::Depot& depot,
           const conf::Import& settings);

  net::awaitable<void> run();  // until stop()
  void stop();

 private:
  struct Look {                  // at the whole folder
    std::size_t waiting = 0;     // names that have their turn later
    std::error_code unreadable;  // then there may be more
  };
  net::awaitable<void> go_on();
  net::awaitable<void> hold_drop();
  net::awaitable<void> look_around();
  net::awaitable<void> import(std::string name);
  net::awaitable<void> judge(std::string name);
  void tell(const std::string& name, const DropJudge::Outcome& outcome, double seconds);
  void tell(const std::string& name, const DropJudge::Done& done, double seconds);
  void tell(const std::string& name, const DropJudge::Compared& compared);
  void tell(const std::string& name, const DropJudge::Refused& refused);
  void tell(const std::string& name, const DropJudge::Failed& failed);
  void tell_progress(const std::string& name);
  bool is_full() const { return left_.size() + ignored_.size() >= most_remembered; }
  void remember(const std::string& name, const DropJudge::Left& left);
  bool is_first_time(const std::string& name);
  // On the worker that imports; the loop waits, and what it knows is the worker's meanwhile.
  Look look_now();
  bool lies_on(const std::string& name);
  void note(const DropChange& change);

  Lanes& lanes_;
  Events& events_;
  const storage::Depot& depot_;
  const conf::Import settings_;
  std::optional<storage::DirectoryLock> drop_lock_;  // this server imports what is put into drop/
  storage::DropFolder folder_;
  DropWatch watch_;
  net::steady_timer progress_timer_;
  Pause pause_;
  DropJudge judge_;                                // the worker's
  std::shared_ptr<DropJudge::Progress> progress_;  // only while a bundle is imported
  // Told already: not read again until it changes, or what it waits for does.
  struct Stays {
    DropJudge::Left left;
    std::uint64_t seen = 0;  // the number of the last look that found it
  };
  std::map<std::string, Stays> left_;
  // Told already: not a file, or a digest file that waits. With the number of the last look that found it.
  std::map<std::string, std::uint64_t> ignored_;
  std::uint64_t looks_ = 0;
  storage::DropFolder::Time next_look_{};  // at the whole folder
  std::string last_looked_at_;             // of a look, by name
  bool is_crowded_ = false;                // at the last look: not all names could be waited for
  bool was_full_ = false;                  // at the last look
  bool stopping_ = false;
};

}  // namespace server
