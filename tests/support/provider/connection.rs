//! Connections that end early.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Closed; with TLS, after a close_notify.
    Close,
    /// Closed without a close_notify.
    Drop,
    /// Reset (RST).
    Reset,
    /// Left open: nothing more is read from it or sent.
    Silence,
}

/// A response that does not arrive complete.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// This many bytes of it are sent, head included.
    pub after: usize,
    pub end: End,
}

/// A connection that can be cut, plain or with TLS.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// The next cut of the connection.
pub type Scissors = Arc<Mutex<Option<Cut>>>;

pub struct Connection<S> {
    stream: S,
    scissors: Scissors,
}

impl<S: Stream> Connection<S> {
    pub fn new(stream: S, scissors: Scissors) -> Self {
        Connection { stream, scissors }
    }

    fn poll_end(&mut self, end: End, context: &mut Context<'_>) -> Poll<io::Error> {
        let sent = ready!(Pin::new(&mut self.stream).poll_flush(context));
        match end {
            End::Close => drop(ready!(Pin::new(&mut self.stream).poll_shutdown(context))),
            End::Drop => {}
            End::Reset => self.stream.tcp().set_zero_linger().expect("a socket"),
            End::Silence => return Poll::Pending,
        }
        // The writer then drops the connection.
        Poll::Ready(sent.err().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into()))
    }
}

impl<S: Stream> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Stream> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let cut = *self.scissors.lock().expect("the cut");
        let length = match cut {
            None => bytes.len(),
            Some(Cut { after: 0, end }) => return self.poll_end(end, context).map(Err),
            Some(cut) => bytes.len().min(cut.after),
        };
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, &bytes[..length]))?;
        if let Some(cut) = &mut *self.scissors.lock().expect("the cut") {
            cut.after -= written;
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
