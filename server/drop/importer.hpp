#pragma once
#include <atomic>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

#include "conf/settings.hpp"
#include "server/loop/pause.hpp"
#include "server/os/folder_watch.hpp"
#include "storage/depot/staging.hpp"
#include "storage/import/drop_digests.hpp"
#include "storage/import/drop_folder.hpp"
#include "storage/import/dropped_file.hpp"
#include "storage/import/import.hpp"
#include "storage/releases/origin_index.hpp"

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
  // What stays in drop/ and was told: it is not read again until it changes, or what it waits for does.
  struct Left {
    enum class Why { waits, no_room, published } why;
    storage::FileVersion file;
    std::uint64_t releases = 0;  // OriginIndex's number, of a digest file that waits
    std::uint64_t seen = 0;      // the number of the last look that found it
  };
  struct Done {
    storage::ImportResult what;
    bool taken = false;          // out of drop/; else another file lies there by now
    std::string left_over = {};  // a sentence, where the file or its digest file could not be taken away
    std::optional<Left> left = {};
  };
  struct Compared {  // a digest file
    std::vector<storage::ComparedDigest> digests;
    Left left;
  };
  // Of the import that runs: written by its worker, told by the loop every few seconds.
  struct HowFar {
    std::atomic<std::uint64_t> done = 0, total = 0;
  };
  struct Refused {
    std::string reason, moved_to, left_over = {};
  };
  struct Failed {
    std::string problem;
    std::chrono::seconds pause;     // before it is tried again
    std::optional<Left> left = {};  // then it is not, but for a change
  };
  struct Gone {};      // while it was looked at
  struct Replaced {};  // by another file of this name, while it was judged
  using Outcome = std::variant<Done, Compared, Refused, Failed, Gone, Replaced>;

  struct Look {                  // at the whole folder
    std::size_t waiting = 0;     // names that have their turn later
    std::error_code unreadable;  // then there may be more
  };
  struct Seen {
    storage::DropKind kind;
    bool left = false;  // and nothing has changed
  };

  net::awaitable<void> go_on();
  net::awaitable<void> hold_drop();
  net::awaitable<void> look_around();
  net::awaitable<void> import(std::string name);
  net::awaitable<void> judge(std::string name);
  void tell(const std::string& name, const Outcome& outcome, double seconds);
  void tell(const std::string& name, const Done& done, double seconds);
  void tell(const std::string& name, const Compared& compared);
  void tell(const std::string& name, const Refused& refused);
  void tell(const std::string& name, const Failed& failed);
  void tell_progress(const std::string& name);
  bool is_full() const { return left_.size() + ignored_.size() >= most_remembered; }
  void remember(const std::string& name, const Left& left);
  bool is_first_time(const std::string& name);
  // On the worker that imports, as the rest; the loop waits, and what it knows is the worker's meanwhile.
  Look look_now();
  bool lies_on(const std::string& name);
  std::size_t rejected();
  Seen examine(const std::string& name, const std::optional<Left>& left);
  bool is_left(const std::string& name, const Left& left);
  Outcome import_now(const std::string& name);
  Outcome judge_now(const storage::DroppedFile& drop);
  Outcome compare_now(const storage::DroppedFile& drop);
  Outcome publish_now(const storage::DroppedFile& drop, const std::vector<storage::DroppedDigests>& digests);
  Outcome reject_now(const storage::DroppedFile& drop, const std::vector<storage::DroppedDigests>& digests,
                     const std::string& reason);
  bool take_away(const storage::DroppedFile& drop, const storage::Imported& imported) const;
  // Returns why the digest files stay; empty where they do not.
  std::string take_away(const storage::DroppedFile& drop, const std::vector<storage::DroppedDigests>& digests,
                        storage::Fate fate) const;
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
  storage::OriginIndex origins_;     // the worker's
  std::shared_ptr<HowFar> how_far_;  // only while a bundle is imported
  std::map<std::string, Left> left_;
  // Told already: not a file, or a digest file that waits. With the number of the last look that found it.
  std::map<std::string, std::uint64_t> ignored_;
  std::uint64_t looks_ = 0;
  storage::DropFolder::Time next_look_{};  // at the whole folder
  std::string last_looked_at_;             // of a look, by name
  bool is_crowded_ = false;                // at the last look: not all names could be waited for
  bool was_full_ = false;                  // at the last look
  std::optional<std::size_t> rejected_;    // files in rejected/, of this round; the worker's
  bool stopping_ = false;
};

}  // namespace server
