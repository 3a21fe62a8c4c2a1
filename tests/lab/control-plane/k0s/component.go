package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	// The disk with the programs that k0s would bring along.
	programsDisk = "/dev/disk/by-id/virtio-labprograms"
	programs     = runDir + "/programs"
)

// logged is a line of k0s's journal.
func logged(level, component, format string, values ...any) {
	fmt.Fprintf(os.Stderr, "time=%q level=%s msg=%q component=%s\n",
		time.Now().UTC().Format(time.DateTime), level, fmt.Sprintf(format, values...), component)
}

// mountPrograms makes the programs' disk part of the host, where it is not yet.
func mountPrograms() error {
	if _, err := os.Stat(filepath.Join(programs, "kubectl")); err == nil {
		return nil
	}
	if err := os.MkdirAll(programs, 0o755); err != nil {
		return err
	}
	said, err := exec.Command("mount", "-o", "ro", programsDisk, programs).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// components are the processes of a node. They end with k0s, however that ends.
type components struct {
	mutex   sync.Mutex
	ending  bool
	running map[string]*os.Process
}

// keep starts a program and starts it again whenever it ends, as k0s does.
func (c *components) keep(name string, argv ...string) {
	go func() {
		for {
			err := c.run(name, argv)
			c.mutex.Lock()
			ending := c.ending
			c.mutex.Unlock()
			if ending {
				return
			}
			logged("error", name, "Failed: %v", err)
			logged("warning", name, "Process terminated unexpectedly, respawning in 5s")
			time.Sleep(5 * time.Second)
		}
	}()
}

func (c *components) run(name string, argv []string) error {
	command := exec.Command(filepath.Join(programs, argv[0]), argv[1:]...)
	command.Env = append(os.Environ(), "HOME="+runDir)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.Create(filepath.Join(runDir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	c.mutex.Lock()
	if c.ending {
		c.mutex.Unlock()
		return nil
	}
	// The signal at the parent's death is at that of its thread: this one stays.
	started := make(chan error, 1)
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			ended <- command.Wait()
		}
	}()
	if err := <-started; err != nil {
		c.mutex.Unlock()
		return err
	}
	c.running[name] = command.Process
	c.mutex.Unlock()
	return <-ended
}

// untilTold waits for the signal to end, and ends all of them.
func (c *components) untilTold() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
	<-told
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.ending = true
	for _, process := range c.running {
		_ = process.Kill()
	}
	_ = os.Remove(socket)
}
