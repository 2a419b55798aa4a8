#pragma once
#include <memory>
#include <optional>

#include "protocols/tftp/read_transfer.hpp"
#include "server/tftp/blocks.hpp"
#include "server/tftp/transfer.hpp"

namespace server {

// A read request: finds the image, and sends its blocks from memory where the system has them there, or else
// by way of a worker.
class TftpRead final : public TftpTransfer {
 public:
  using TftpTransfer::TftpTransfer;

 private:
  net::awaitable<void> look_up() override;
  bool perform(const tftp::Action& action, tftp::Time now) override;
  bool resume_action(tftp::Time now) override;
  void closed() override;
  void close_later(storage::File file);
  tftp::SendData next_batch() const;
  bool fetch(const tftp::SendData& batch);
  void take(TftpBlocks::Filled filled);

  tftp::ReadTransfer* machine_ = nullptr;  // the base owns it
  std::shared_ptr<TftpBlocks> blocks_;
  tftp::SendData data_;                        // what is still to be sent of it
  std::optional<TftpBlocks::Filled> fetched_;  // by a worker: the first batch of data_
};

}  // namespace server
