#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "conf/settings.hpp"
#include "storage/import/drop_digests.hpp"
#include "storage/import/drop_folder.hpp"
#include "storage/import/dropped_file.hpp"
#include "storage/import/import.hpp"
#include "storage/releases/origin_index.hpp"

namespace server {

// Decides what becomes of a file in drop/, and does it: a bundle or an image is published or rejected, and a
// digest file is compared with what was published. Belongs to an Importer, on whose worker it lives, one call
// at a time.
class DropJudge {
 public:
  // Of the import that runs: written by the worker, told by the loop every few seconds.
  struct Progress {
    std::atomic<std::uint64_t> done = 0, total = 0;
  };
  // Why a file stays in drop/ until it changes, or what it waits for does.
  struct Left {
    enum class Why { waits, no_room, published } why;
    storage::FileVersion file;
    std::uint64_t releases = 0;  // OriginIndex's number, of a digest file that waits
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
  struct Refused {
    std::string reason, moved_to, left_over = {};
  };
  struct Failed {
    std::string problem;
    bool touched = false;           // somebody wrote to the file meanwhile; else the depot failed
    std::optional<Left> left = {};  // then it is not tried again, but for a change
  };
  struct Gone {};      // while it was looked at
  struct Replaced {};  // by another file of this name, while it was judged
  using Outcome = std::variant<Done, Compared, Refused, Failed, Gone, Replaced>;

  struct Seen {
    storage::DropKind kind;
    bool left = false;  // and nothing has changed
  };

  DropJudge(const storage::Depot& depot, const conf::Import& settings)
      : depot_(depot), settings_(settings), origins_(depot) {}

  // Forgets what is read once for all files of a round.
  void begin_round() { rejected_.reset(); }
  Seen examine(const std::string& name, const std::optional<Left>& left);
  // `progress`: of a bundle or an image.
  Outcome judge(const std::string& name, const std::shared_ptr<Progress>& progress);

 private:
  std::size_t rejected();
  bool is_left(const std::string& name, const Left& left);
  Outcome judge(const storage::DroppedFile& drop, const std::shared_ptr<Progress>& progress);
  Outcome compare(const storage::DroppedFile& drop);
  Outcome publish(const storage::DroppedFile& drop, const std::vector<storage::DroppedDigests>& digests,
                  const std::shared_ptr<Progress>& progress);
  Outcome reject(const storage::DroppedFile& drop, const std::vector<storage::DroppedDigests>& digests,
                 const std::string& reason);
  bool take_away(const storage::DroppedFile& drop, const storage::Imported& imported) const;
  // Returns why the digest files stay; empty where they do not.
  std::string take_away(const storage::DroppedFile& drop, const std::vector<storage::DroppedDigests>& digests,
                        storage::Fate fate) const;

  const storage::Depot& depot_;
  const conf::Import settings_;
  storage::OriginIndex origins_;
  std::optional<std::size_t> rejected_;  // files in rejected/, of this round
};

}  // namespace server
