#pragma once
#include <optional>
#include <variant>
#include <vector>

#include "protocols/sftp/session.hpp"
#include "storage/lookup.hpp"
#include "storage/root.hpp"

namespace server {

// What one SFTP session has open, and the carrying out of its operations below its user's root. One thread at
// a time, but any thread: the session hands it to a worker and waits.
class SftpFiles {
 public:
  struct Outcome {
    sftp::Answer answer;
    std::optional<storage::Path> missing = {};  // the name that could not be examined or opened
  };

  explicit SftpFiles(storage::Root root) : root_(std::move(root)) {}

  // What needs no disk: a read that memory answers, a close. Nothing when it would have to wait.
  std::optional<sftp::Answer> try_now(const sftp::Operation& operation);
  // May wait for the disk.
  Outcome perform(const sftp::Operation& operation);
  storage::Miss explain(const storage::Path& missing, std::error_code error) const {
    return storage::explain_miss(root_, missing, error);
  }

 private:
  Outcome run(const sftp::Examine& operation);
  Outcome run(const sftp::ExamineOpen& operation);
  Outcome run(const sftp::OpenFile& operation);
  Outcome run(const sftp::OpenDirectory& operation);
  Outcome run(const sftp::ReadFile& operation);
  Outcome run(const sftp::ReadDirectory& operation);
  Outcome run(const sftp::CloseHandle& operation);

  using Slot = std::variant<std::monostate, storage::File, storage::Directory>;
  Slot& slot(std::uint32_t handle);

  storage::Root root_;
  std::vector<Slot> open_;
};

}  // namespace server
